// JSON values in messages: the generated types have them mutable, ours do not.

import type { JsonObject as MutableJsonObject } from '@bufbuild/protobuf'
import type { JsonObject } from '../model/context.ts'

/** The same object, as the generated types want it. Nobody changes it on the way out. */
export function jsonToWire(object: JsonObject): MutableJsonObject
export function jsonToWire(object: JsonObject | undefined): MutableJsonObject | undefined
export function jsonToWire(object: JsonObject | undefined): MutableJsonObject | undefined {
  return object as MutableJsonObject | undefined
}
