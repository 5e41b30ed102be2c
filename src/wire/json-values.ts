// JSON values in messages: the generated types have them mutable, ours do not.

import { fromJson, type JsonObject as MutableJsonObject, toJson } from '@bufbuild/protobuf'
import { type Struct, StructSchema } from '@bufbuild/protobuf/wkt'
import type { JsonObject } from '../model/context.ts'

/** The same object, as the generated types want it. Nobody changes it on the way out. */
export function jsonToWire(object: JsonObject | undefined): MutableJsonObject | undefined {
  return object as MutableJsonObject | undefined
}

/** For repeated Structs, which stay messages of their own. */
export function structToWire(object: JsonObject): Struct {
  return fromJson(StructSchema, object as MutableJsonObject)
}

export function structFromWire(message: Struct): JsonObject {
  return toJson(StructSchema, message)
}
