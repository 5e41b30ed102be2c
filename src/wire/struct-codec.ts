// google.protobuf.Struct on the wire as a plain JSON object in memory.

import type { JsonObject, JsonValue } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import { type ByteReader, maxMessageDepth, wireBytes, wireFixed64, wireVarint } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

type Mutable = { [key: string]: JsonValue }

/** `__proto__` must become an ordinary key. */
function put(object: Mutable, key: string, value: JsonValue): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** Reads the fields of a Struct up to `end` into `into`. A number that is not finite is refused: JSON has none. */
export function readStruct(reader: ByteReader, end: number, into: Mutable = {}): JsonObject {
  if (++reader.depth > maxMessageDepth)
    throw reader.malformed(`more than ${maxMessageDepth} levels of nesting`)
  while (reader.position < end) {
    const tag = reader.uint32()
    if (tag === 10) readEntry(reader, reader.length(end), into)
    else reader.skip(tag & 7, end)
  }
  reader.depth--
  return into
}

function readEntry(reader: ByteReader, end: number, into: Mutable): void {
  let key = ''
  let value: JsonValue = null
  while (reader.position < end) {
    const tag = reader.uint32()
    if (tag === 10) key = reader.string(end)
    else if (tag === 18) value = readValue(reader, reader.length(end))
    else reader.skip(tag & 7, end)
  }
  put(into, key, value)
}

/** google.protobuf.Value; one without a kind reads as null. */
function readValue(reader: ByteReader, end: number): JsonValue {
  let value: JsonValue = null
  while (reader.position < end) {
    const tag = reader.uint32()
    const wireType = tag & 7
    const field = tag >>> 3
    if (field === 1 && wireType === wireVarint) {
      reader.uint64()
      value = null
    } else if (field === 2 && wireType === wireFixed64) {
      value = reader.double()
      if (!Number.isFinite(value)) throw reader.malformed('a number in a JSON value is not finite')
    } else if (field === 3 && wireType === wireBytes) value = reader.string(end)
    else if (field === 4 && wireType === wireVarint) value = reader.uint64() !== 0n
    else if (field === 5 && wireType === wireBytes) value = readStruct(reader, reader.length(end))
    else if (field === 6 && wireType === wireBytes) value = readList(reader, reader.length(end))
    else reader.skip(wireType, end)
  }
  return value
}

function readList(reader: ByteReader, end: number): JsonValue[] {
  if (++reader.depth > maxMessageDepth)
    throw reader.malformed(`more than ${maxMessageDepth} levels of nesting`)
  const list: JsonValue[] = []
  while (reader.position < end) {
    const tag = reader.uint32()
    if (tag === 10) list.push(readValue(reader, reader.length(end)))
    else reader.skip(tag & 7, end)
  }
  reader.depth--
  return list
}

/** Writes the fields of a Struct. Keys whose value is undefined are left out. */
export function writeStruct(writer: ByteWriter, object: JsonObject): void {
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === undefined) continue
    writer.uint32(10)
    const entry = writer.open()
    writer.uint32(10)
    writer.string(key)
    writer.uint32(18)
    writeValue(writer, value)
    writer.close(entry)
  }
}

function writeValue(writer: ByteWriter, value: JsonValue): void {
  const start = writer.open()
  if (value === null) {
    writer.uint32(8)
    writer.uint32(0)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      throw new CardeaError(
        'INVALID_ARGUMENT',
        `${value} is no JSON number; send it as a text or leave it out.`,
      )
    }
    writer.uint32(17)
    writer.double(value)
  } else if (typeof value === 'string') {
    writer.uint32(26)
    writer.string(value)
  } else if (typeof value === 'boolean') {
    writer.uint32(32)
    writer.uint32(value ? 1 : 0)
  } else if (Array.isArray(value)) {
    writer.uint32(50)
    const list = writer.open()
    for (const item of value) {
      writer.uint32(10)
      writeValue(writer, item as JsonValue)
    }
    writer.close(list)
  } else {
    writer.uint32(42)
    const struct = writer.open()
    writeStruct(writer, value as JsonObject)
    writer.close(struct)
  }
  writer.close(start)
}
