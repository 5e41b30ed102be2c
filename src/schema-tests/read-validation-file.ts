// Reads the YAML of a validation file into its parts, each with its place (reference: schema language, validation file).

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import type { Permissionship, Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { formatObject, formatSubject, type ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import { parseObjectAndRelation, parseRelationship } from '../model/relationship-text.ts'
import { assertionLists, parseAssertion } from './assertion.ts'
import { type Place, PlacedYaml } from './place.ts'
import { parseSubjectEntry, type SubjectEntry } from './subject-entry.ts'
import { failureAt, type ValidationFailure } from './validation-report.ts'

export interface PlacedRelationship {
  readonly relationship: Relationship
  readonly place: Place
}

export interface PlacedAssertion {
  readonly text: string
  readonly question: Question
  readonly expected: Permissionship
  readonly place: Place
}

export interface ExpectedRelations {
  /** As written: `type:id#permission`. */
  readonly text: string
  readonly resource: ObjectRef
  readonly permission: string
  readonly place: Place
  readonly entries: readonly { readonly entry: SubjectEntry; readonly place: Place }[]
}

/** The parts of a validation file that could be read, and what could not. */
export interface ValidationFile {
  /** Schema text in the file, with the place of each of its lines. */
  readonly schema: { readonly text: string; readonly places: readonly Place[] } | undefined
  readonly schemaFile: { readonly path: string; readonly place: Place } | undefined
  readonly relationships: readonly PlacedRelationship[]
  readonly assertions: readonly PlacedAssertion[]
  readonly expected: readonly ExpectedRelations[]
  readonly failures: readonly ValidationFailure[]
  readonly warnings: readonly ValidationFailure[]
}

const knownKeys = ['schema', 'schemaFile', 'relationships', 'assertions', 'validation']
const legacyKeys: { readonly [key: string]: string } = {
  namespace_configs: 'schema',
  validation_tuples: 'relationships',
}
const top: Place = { line: 1, column: 1 }

/** Reads a validation file; never throws on bad input. `file` is the path that failures carry. */
export function readValidationFile(text: string, file: string): ValidationFile {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  return new Reader(file, document, new PlacedYaml(text, counter)).read()
}

class Reader {
  readonly #file: string
  readonly #document: Document.Parsed
  readonly #yaml: PlacedYaml
  readonly #failures: ValidationFailure[] = []
  readonly #warnings: ValidationFailure[] = []

  constructor(file: string, document: Document.Parsed, yaml: PlacedYaml) {
    this.#file = file
    this.#document = document
    this.#yaml = yaml
  }

  read(): ValidationFile {
    for (const error of this.#document.errors) {
      const hint = error.code === 'UNEXPECTED_TOKEN' ? ' (texts with `: ` or `{` in them need quotes)' : ''
      this.#fail('file', this.#yaml.at(error.pos[0]), `This is not YAML: ${error.message}${hint}`)
    }
    const parts =
      this.#failures.length === 0
        ? this.#mappingOf(this.#document.contents, 'The file')
        : new Map<string, Pair>()
    this.#checkKeys(parts)
    const schema = this.#textOf(parts.get('schema'), 'schema')
    const schemaFile = this.#textOf(parts.get('schemaFile'), 'schemaFile')
    return {
      schema: schema && {
        text: schema.value,
        places: this.#yaml.linesOf(schema).map(({ place }) => place),
      },
      schemaFile: schemaFile && { path: schemaFile.value, place: this.#yaml.of(schemaFile) },
      relationships: this.#readRelationships(this.#textOf(parts.get('relationships'), 'relationships')),
      assertions: this.#readAssertions(parts.get('assertions')),
      expected: this.#readExpected(parts.get('validation')),
      failures: this.#failures,
      warnings: this.#warnings,
    }
  }

  #fail(kind: ValidationFailure['kind'], place: Place, message: string): void {
    this.#failures.push(failureAt(kind, this.#file, place, message))
  }

  /** Runs `read`; a CardeaError becomes a failure at the place. */
  #attempt<Value>(kind: ValidationFailure['kind'], place: Place, read: () => Value): Value | undefined {
    try {
      return read()
    } catch (thrown) {
      this.#fail(kind, place, CardeaError.from(thrown).message)
      return undefined
    }
  }

  #resolved(node: unknown): Node | null | undefined {
    return isAlias(node) ? node.resolve(this.#document) : (node as Node | null | undefined)
  }

  #checkKeys(parts: ReadonlyMap<string, Pair>): void {
    for (const [key, pair] of parts) {
      const place = this.#yaml.of(pair.key as Node)
      const modern = Object.hasOwn(legacyKeys, key) ? legacyKeys[key] : undefined
      if (modern !== undefined) this.#fail('file', place, `\`${key}\` is no longer read; use \`${modern}\`.`)
      else if (!knownKeys.includes(key)) this.#warn(place, `\`${key}\` means nothing here`, knownKeys)
    }
    const [schema, schemaFile] = [parts.get('schema'), parts.get('schemaFile')]
    if (schema !== undefined && schemaFile !== undefined) {
      this.#fail(
        'file',
        this.#yaml.of(schemaFile.key as Node),
        'Give either `schema` or `schemaFile`, not both.',
      )
    }
    if (schema === undefined && schemaFile === undefined && this.#failures.length === 0) {
      this.#fail('file', top, 'There is no schema: give `schema` (its text) or `schemaFile` (a path).')
    }
  }

  #warn(place: Place, problem: string, known: readonly string[]): void {
    const message = `${problem}; known are ${known.map((key) => `\`${key}\``).join(', ')}.`
    this.#warnings.push(failureAt('file', this.#file, place, message))
  }

  /** The entries of a mapping by key; empty for null. */
  #mappingOf(value: unknown, what: string): Map<string, Pair> {
    const node = this.#resolved(value)
    const entries = new Map<string, Pair>()
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return entries
    if (!isMap(node)) {
      this.#fail('file', this.#yaml.of(node), `${what} must be a mapping.`)
      return entries
    }
    for (const pair of (node as YAMLMap).items)
      entries.set(String(isScalar(pair.key) ? pair.key.value : pair.key), pair)
    return entries
  }

  #textOf(pair: Pair | undefined, key: string): Scalar<string> | undefined {
    const node = this.#resolved(pair?.value)
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return undefined
    if (isScalar(node) && typeof node.value === 'string') return node as Scalar<string>
    this.#fail('file', this.#yaml.of(node), `\`${key}\` must be text.`)
    return undefined
  }

  /** The texts of a list, each with its place. */
  #textsOf(value: unknown, what: string): { readonly text: string; readonly place: Place }[] {
    const node = this.#resolved(value)
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return []
    if (!isSeq(node)) {
      this.#fail('file', this.#yaml.of(node), `${what} must be a list.`)
      return []
    }
    return node.items.flatMap((each) => {
      const item = this.#resolved(each)
      const place = this.#yaml.of(item)
      if (isScalar(item) && typeof item.value === 'string') return [{ text: item.value, place }]
      this.#fail('file', place, `${what} must be a list of texts; put quotes around this one.`)
      return []
    })
  }

  #readRelationships(node: Scalar<string> | undefined): PlacedRelationship[] {
    const seen = new Map<string, Place>()
    return (node === undefined ? [] : this.#yaml.linesOf(node)).flatMap(({ text, place }) => {
      const trimmed = text.trim()
      if (trimmed === '' || trimmed.startsWith('//')) return []
      const start = { line: place.line, column: place.column + text.indexOf(trimmed) }
      const relationship = this.#attempt('relationship', start, () => parseRelationship(trimmed))
      if (relationship === undefined) return []
      const { resource, relation, subject } = relationship
      const identity = `${formatObject(resource)}#${relation}@${formatSubject(subject)}`
      const first = seen.get(identity)
      if (first !== undefined) {
        this.#fail('relationship', start, `${identity} is already written in line ${first.line}.`)
        return []
      }
      seen.set(identity, start)
      return [{ relationship, place: start }]
    })
  }

  #readAssertions(pair: Pair | undefined): PlacedAssertion[] {
    const lists = this.#mappingOf(pair?.value, '`assertions`')
    const assertions: PlacedAssertion[] = []
    for (const [key, list] of lists) {
      const expected = Object.hasOwn(assertionLists, key)
        ? assertionLists[key as keyof typeof assertionLists]
        : undefined
      if (expected === undefined) {
        this.#warn(this.#yaml.of(list.key as Node), `\`${key}\` asserts nothing`, Object.keys(assertionLists))
        continue
      }
      for (const { text, place } of this.#textsOf(list.value, `\`${key}\``)) {
        const question = this.#attempt('assertion', place, () => parseAssertion(text))
        if (question !== undefined) assertions.push({ text, question, expected, place })
      }
    }
    return assertions
  }

  #readExpected(pair: Pair | undefined): ExpectedRelations[] {
    const keys = this.#mappingOf(pair?.value, '`validation`')
    return [...keys].flatMap(([text, list]) => {
      const place = this.#yaml.of(list.key as Node)
      const asked = this.#attempt('expected-relations', place, () => parseObjectAndRelation(text))
      const entries = this.#textsOf(list.value, `\`${text}\``).flatMap((item) => {
        const entry = this.#attempt('expected-relations', item.place, () => parseSubjectEntry(item.text))
        return entry === undefined ? [] : [{ entry, place: item.place }]
      })
      if (asked === undefined) return []
      return [{ text, resource: asked.resource, permission: asked.relation, place, entries }]
    })
  }
}
