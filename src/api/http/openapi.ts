// The OpenAPI document of the HTTP paths, made from the same descriptors that the messages are read with.

import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { StatusSchema } from '../../wire/messages.ts'
import type { Route } from '../methods/route.ts'
import { httpPaths } from './http-paths.ts'

type Json = { readonly [key: string]: unknown }

/** Messages whose JSON is not an object of their fields (protobuf JSON mapping). */
const wellKnown: { readonly [typeName: string]: Json } = {
  'google.protobuf.Struct': { type: 'object', additionalProperties: true },
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?s$' },
  'google.protobuf.Any': {
    type: 'object',
    properties: { '@type': { type: 'string' } },
    required: ['@type'],
    additionalProperties: true,
  },
}

const scalars: { readonly [Type in ScalarType]?: Json } = {
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.INT32]: { type: 'integer', format: 'int32' },
  [ScalarType.UINT32]: { type: 'integer', format: 'int64', minimum: 0, maximum: 4_294_967_295 },
  [ScalarType.INT64]: { type: 'string', format: 'int64' },
  [ScalarType.UINT64]: { type: 'string', format: 'uint64' },
  [ScalarType.DOUBLE]: { type: 'number', format: 'double' },
  [ScalarType.BYTES]: { type: 'string', format: 'byte' },
}

/** OpenAPI 3.1. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas = new Map<string, Json>()
  const referenceTo = (message: DescMessage): Json => {
    const known = wellKnown[message.typeName]
    if (known !== undefined) return known
    if (!schemas.has(message.typeName)) {
      schemas.set(message.typeName, {})
      schemas.set(message.typeName, describe(message, referenceTo))
    }
    return { $ref: `#/components/schemas/${message.typeName}` }
  }
  const failure = { 'application/json': { schema: referenceTo(StatusSchema) } }
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const { method } = route
    const request = referenceTo(method.input)
    const response = referenceTo(method.output)
    const streams = method.methodKind === 'server_streaming'
    paths[httpPaths[route.path]!] = {
      post: {
        operationId: `${method.parent.name}_${method.name}`,
        tags: [method.parent.name],
        ...(method.deprecated && { deprecated: true }),
        requestBody: {
          required: true,
          content:
            method.methodKind === 'client_streaming'
              ? { 'application/x-ndjson': { schema: request } }
              : { 'application/json': { schema: request } },
        },
        responses: {
          200: {
            description: streams ? 'One object per line.' : 'The answer.',
            content: {
              'application/json': {
                schema: streams ? lineOf(response, referenceTo(StatusSchema)) : response,
              },
            },
          },
          default: { description: 'A failure, as google.rpc.Status.', content: failure },
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Cardea', version, description: 'authzed.api.v1 and cardea.v1 as JSON over HTTP.' },
    security: [{ presharedKey: [] }],
    paths,
    components: {
      securitySchemes: { presharedKey: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function lineOf(result: Json, error: Json): Json {
  return {
    oneOf: [
      { type: 'object', properties: { result }, required: ['result'] },
      { type: 'object', properties: { error }, required: ['error'] },
    ],
  }
}

function describe(message: DescMessage, referenceTo: (message: DescMessage) => Json): Json {
  const properties: Record<string, Json> = {}
  for (const field of message.fields) {
    const single = valueSchema(field, referenceTo)
    properties[field.jsonName] = {
      ...(field.fieldKind === 'list'
        ? { type: 'array', items: single }
        : field.fieldKind === 'map'
          ? { type: 'object', additionalProperties: single }
          : single),
      ...(field.deprecated && { deprecated: true }),
    }
  }
  return { type: 'object', properties, additionalProperties: false }
}

function valueSchema(field: DescField, referenceTo: (message: DescMessage) => Json): Json {
  if (field.message) return referenceTo(field.message)
  if (field.enum) return { type: 'string', enum: field.enum.values.map(({ name }) => name) }
  return scalars[field.scalar as ScalarType] ?? {}
}
