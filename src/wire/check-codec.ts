// Checks on the wire, read and written by hand: what the general codec does for any message, at a fraction of its cost.
//
// Only requests as every client writes them are read here: fields in ascending order, each once, all of them valid,
// none unknown. Whatever is otherwise is left to the general codec, which also says what is wrong with it.

import type { BulkAnswer } from '../authorizer/authorizer.ts'
import type { Answer, Question } from '../model/decision.ts'
import {
  isValidRelation,
  isValidType,
  maxObjectIdBytes,
  type ObjectRef,
  type SubjectRef,
} from '../model/reference.ts'
import type { Consistency } from '../model/revision.ts'
import { missingToWire, permissionshipToWire } from './answers.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { consistencyFromWire } from './consistency.ts'
import { ZedTokenSchema } from './gen/authzed/api/v1/core_pb.ts'
import {
  CheckBulkPermissionsResponseItemSchema,
  CheckPermissionResponseSchema,
  ConsistencySchema,
} from './gen/authzed/api/v1/permission_service_pb.ts'
import { StatusSchema } from './gen/google/rpc/status_pb.ts'
import { decode, encode } from './message-codec.ts'
import { statusFromError } from './status.ts'
import { readStruct } from './struct-codec.ts'

/** A CheckPermissionRequest without a trace. */
export interface CheckAsked {
  readonly question: Question
  readonly consistency: Consistency | undefined
}

/** A CheckBulkPermissionsRequest without traces. */
export interface BulkAsked {
  readonly questions: readonly Question[]
  /** Where each item stands in the request: from, to. */
  readonly spans: readonly number[]
  readonly consistency: Consistency | undefined
}

/** Undefined for what the general codec has to read. */
export function readCheck(bytes: Buffer): CheckAsked | undefined {
  try {
    const reader = new PlainReader(bytes)
    const consistency = reader.consistency()
    return { consistency, question: reader.question(bytes.length, 2, 1) }
  } catch {
    return undefined
  }
}

/** Undefined for what the general codec has to read. */
export function readBulkCheck(bytes: Buffer): BulkAsked | undefined {
  try {
    const reader = new PlainReader(bytes)
    const consistency = reader.consistency()
    const questions: Question[] = []
    const spans: number[] = []
    while (reader.at < bytes.length) {
      const end = reader.open(tagOf(2), bytes.length)
      spans.push(reader.at, end)
      const question = reader.question(end, 1, 2)
      // It is not echoed.
      if (question.context !== undefined && Object.keys(question.context).length === 0) return undefined
      questions.push(question)
    }
    return { questions, spans, consistency }
  } catch {
    return undefined
  }
}

/** The answers of one revision, which are the same for all calls. */
let lastToken = ''
let lastBytes: { readonly has: Buffer; readonly no: Buffer } | undefined

/** A CheckPermissionResponse. Nobody may change the bytes: they are given again. */
export function writeCheck(token: string, answer: Answer): Buffer {
  const bytesOf = (some: Answer) =>
    encode(CheckPermissionResponseSchema, {
      checkedAt: { token },
      permissionship: permissionshipToWire(some.permissionship),
      partialCaveatInfo: missingToWire(some),
    })
  if (answer.permissionship === 'conditional') return bytesOf(answer)
  if (lastBytes === undefined || token !== lastToken) {
    lastToken = token
    lastBytes = {
      has: bytesOf({ permissionship: 'has', missing: [] }),
      no: bytesOf({ permissionship: 'no', missing: [] }),
    }
  }
  return lastBytes[answer.permissionship]
}

/** Bytes of a response item that says nothing but yes or no, with its tag and length. */
const plainItemBytes = 4
/** Most bytes that are added to an item, being a pair with such an answer. */
const plainPairBytes = plainItemBytes + 2 * (1 + 4)

/** A CheckBulkPermissionsResponse: each item in the bytes in which it came, with its answer. */
export function writeBulkCheck(
  request: Buffer,
  { spans }: BulkAsked,
  token: string,
  answers: readonly BulkAnswer[],
): Buffer {
  const writer = new ByteWriter()
  writer.reserve(request.length + answers.length * plainPairBytes)
  writer.uint32(tagOf(1))
  writer.bytes(encode(ZedTokenSchema, { token }))
  for (let at = 0; at < answers.length; at += 1) {
    const answer = answers[at]!
    const from = spans[2 * at]!
    const to = spans[2 * at + 1]!
    const plain = answer.error === undefined && answer.permissionship !== 'conditional'
    writer.uint32(tagOf(2))
    const pair = plain ? 0 : writer.open()
    if (plain) writer.uint32(1 + lengthBytes(to - from) + to - from + plainItemBytes)
    writer.uint32(tagOf(1))
    writer.uint32(to - from)
    writer.copy(request, from, to)
    if (plain) {
      writer.uint32(tagOf(2))
      writer.uint32(2)
      writer.uint32(8)
      writer.uint32(permissionshipToWire(answer.permissionship))
    } else {
      writer.uint32(tagOf(answer.error === undefined ? 2 : 3))
      writer.bytes(otherItem(answer))
      writer.close(pair)
    }
  }
  return writer.finish()
}

function otherItem(answer: BulkAnswer): Buffer {
  if (answer.error !== undefined) return encode(StatusSchema, statusFromError(answer.error))
  return encode(CheckBulkPermissionsResponseItemSchema, {
    permissionship: permissionshipToWire(answer.permissionship),
    partialCaveatInfo: missingToWire(answer),
  })
}

/** The tag of a field whose length comes first. */
function tagOf(field: number): number {
  return (field << 3) | 2
}

function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
}

/** Thrown at what is not read here. */
const notPlain = new Error('not plain')

/** Names are few and come again and again: the text of one that was read lately is used anew, known to be valid. */
class KnownNames {
  readonly #texts: string[] = new Array(64).fill('')
  readonly #isValid: (text: string) => boolean

  constructor(isValid: (text: string) => boolean) {
    this.#isValid = isValid
  }

  /** The name `bytes[from, to)`. */
  read(bytes: Buffer, from: number, to: number): string {
    const length = to - from
    if (length === 0) throw notPlain
    const place = (length + 7 * bytes[from]! + 3 * bytes[to - 1]!) & 63
    const known = this.#texts[place]!
    if (known.length === length) {
      let at = 0
      while (at < length && known.charCodeAt(at) === bytes[from + at]) at += 1
      if (at === length) return known
    }
    const text = bytes.toString('latin1', from, to)
    if (!this.#isValid(text)) throw notPlain
    this.#texts[place] = text
    return text
  }
}

const types = new KnownNames(isValidType)
const members = new KnownNames(isValidRelation)

const idBytes = new Uint8Array(256)
for (const byte of Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_|-=+'))
  idBytes[byte] = 1

/** A cursor over a request; {@link notPlain} at whatever is not as expected. */
class PlainReader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Goes into the field that must come next; gives where it ends. */
  open(tag: number, end: number): number {
    const bytes = this.#bytes
    if (bytes[this.at] !== tag) throw notPlain
    let length = bytes[this.at + 1]!
    this.at += 2
    if (length >= 0x80) {
      const high = bytes[this.at]!
      this.at += 1
      if (!(high < 0x80)) throw notPlain
      length = (length & 0x7f) | (high << 7)
    }
    const stop = this.at + length
    if (!(stop <= end)) throw notPlain
    return stop
  }

  /** Field 1 of a request, where it is set. */
  consistency(): Consistency | undefined {
    if (this.#bytes[0] !== tagOf(1)) return undefined
    const stop = this.open(tagOf(1), this.#bytes.length)
    const message = decode(ConsistencySchema, this.#bytes.subarray(this.at, stop))
    this.at = stop
    return consistencyFromWire(message)
  }

  /** Everything up to `end`: resource, permission, subject and perhaps a context, with field numbers from `first` on. */
  question(end: number, first: number, depth: number): Question {
    const resource = this.#object(this.open(tagOf(first), end))
    const permission = this.#name(members, this.open(tagOf(first + 1), end))
    const subject = this.#subject(this.open(tagOf(first + 2), end))
    if (this.at === end) return { resource, permission, subject }
    const stop = this.open(tagOf(first + 3), end)
    if (stop !== end) throw notPlain
    const reader = new ByteReader(this.#bytes)
    reader.position = this.at
    reader.depth = depth
    const context = readStruct(reader, stop)
    this.at = stop
    return { resource, permission, subject, context }
  }

  #object(end: number): ObjectRef {
    const type = this.#name(types, this.open(tagOf(1), end))
    const id = this.#id(this.open(tagOf(2), end))
    if (this.at !== end) throw notPlain
    return { type, id }
  }

  #subject(end: number): SubjectRef {
    const { type, id } = this.#object(this.open(tagOf(1), end))
    const relation = this.at === end ? '' : this.#name(members, this.open(tagOf(2), end))
    if (this.at !== end) throw notPlain
    return { type, id, relation }
  }

  #name(known: KnownNames, stop: number): string {
    const from = this.at
    this.at = stop
    return known.read(this.#bytes, from, stop)
  }

  #id(stop: number): string {
    const bytes = this.#bytes
    const from = this.at
    if (stop === from || stop - from > maxObjectIdBytes) throw notPlain
    for (let at = from; at < stop; at += 1) if (idBytes[bytes[at]!] === 0) throw notPlain
    this.at = stop
    return bytes.toString('latin1', from, stop)
  }
}
