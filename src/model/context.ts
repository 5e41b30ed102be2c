// Caveat context: JSON values that a caveat reads, stored with a relationship or sent with a request.

/** Any JSON value. Numbers are doubles, as in google.protobuf.Struct: send 64-bit integers as strings. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A JSON object. As caveat context, its keys are parameter names. */
export type JsonObject = { readonly [key: string]: JsonValue }
