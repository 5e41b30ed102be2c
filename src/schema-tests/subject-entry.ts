// Entries of expected relations: `[user:* - {user:eve}] is <doc:a1#viewer>/<doc:a1#editor>`, read, written, compared.

import { CardeaError } from '../model/errors.ts'
import { formatSubject, type SubjectRef, wildcardId } from '../model/reference.ts'
import { parseObjectAndRelation, parseSubject } from '../model/relationship-text.ts'

/** A subject that may depend on caveats, written `user:bob[...]` then. */
export interface MarkedSubject {
  readonly subject: SubjectRef
  readonly caveated: boolean
}

/** A subject that is expected, or found, to have a permission. */
export interface SubjectEntry extends MarkedSubject {
  /** For a wildcard: whom it does not cover. */
  readonly exclusions: readonly MarkedSubject[]
  /** `type:id#relation` of every relation on which the subject is directly written. */
  readonly relations: readonly string[]
}

const caveatMark = '[...]'

function invalid(text: string, problem: string): CardeaError {
  return new CardeaError('INVALID_ARGUMENT', `${problem} in ${JSON.stringify(text)}.`, { text })
}

function parseMarked(text: string): MarkedSubject {
  const trimmed = text.trim()
  const caveated = trimmed.endsWith(caveatMark)
  return { subject: parseSubject(caveated ? trimmed.slice(0, -caveatMark.length) : trimmed), caveated }
}

/**
 * Reads an entry (reference: schema language, validation file). Between and after the brackets any text may stand.
 * Throws INVALID_ARGUMENT that says what is malformed.
 */
export function parseSubjectEntry(text: string): SubjectEntry {
  const match = /^[^[<]*\[([^<]*)\]([^\]]*)$/s.exec(text)
  if (match === null) throw invalid(text, 'Expected [subject] is <type:id#relation>')
  const [, inside = '', behind = ''] = match
  const relations = [...behind.matchAll(/<([^<>]*)>/g)].map(([, relation = '']) => {
    parseObjectAndRelation(relation)
    return relation
  })
  if (relations.length === 0) {
    throw invalid(
      text,
      'Expected the relations on which the subject is written, as in <doc:a1#viewer>, after the subject',
    )
  }
  const exceptions = /^(.*?)\s+-\s+\{(.*)\}$/s.exec(inside.trim())
  const marked = parseMarked(exceptions?.[1] ?? inside)
  if (exceptions !== null && marked.subject.id !== wildcardId) {
    throw invalid(text, 'Only a wildcard such as user:* can have exclusions')
  }
  const exclusions = exceptions === null ? [] : exceptions[2]!.split(',').map(parseMarked)
  return { ...marked, exclusions, relations }
}

const formatMarked = ({ subject, caveated }: MarkedSubject): string =>
  `${formatSubject(subject)}${caveated ? caveatMark : ''}`

const sortedTexts = (texts: readonly string[]): string[] => [...new Set(texts)].sort()

function formatExclusions(entry: SubjectEntry): string {
  return sortedTexts(entry.exclusions.map(formatMarked)).join(', ')
}

function formatRelations(entry: SubjectEntry): string {
  return sortedTexts(entry.relations)
    .map((relation) => `<${relation}>`)
    .join('/')
}

/** The one form in which entries are shown: exclusions and relations in order. */
export function formatSubjectEntry(entry: SubjectEntry): string {
  const exclusions = entry.exclusions.length === 0 ? '' : ` - {${formatExclusions(entry)}}`
  return `[${formatMarked(entry)}${exclusions}] is ${formatRelations(entry)}`
}

/** How an expected entry differs from the one found for the same subject. */
export type EntryDifference = 'caveat-mismatch' | 'different-exclusions' | 'different-relations'

export function differencesOf(expected: SubjectEntry, found: SubjectEntry): EntryDifference[] {
  return [
    ...(expected.caveated === found.caveated ? [] : (['caveat-mismatch'] as const)),
    ...(formatExclusions(expected) === formatExclusions(found) ? [] : (['different-exclusions'] as const)),
    ...(formatRelations(expected) === formatRelations(found) ? [] : (['different-relations'] as const)),
  ]
}
