// References: how an object and a subject are named everywhere in Cardea.

/** An object: `type:id`. Types and ids follow the patterns of {@link isValidType} and {@link isValidObjectId}. */
export interface ObjectRef {
  readonly type: string
  readonly id: string
}

/**
 * A subject: `type:id`, or a userset `type:id#relation`, or every object of a type, `type:*`.
 * `relation` is the empty string for a plain object (the ellipsis `...` of the schema language).
 */
export interface SubjectRef {
  readonly type: string
  readonly id: string
  readonly relation: string
}

/** The id that stands for every object of a type. Only a subject without a relation may carry it. */
export const wildcardId = '*'

const namePattern = /^[a-z][a-z0-9_]{1,62}[a-z0-9]$/
const typePattern = /^([a-z][a-z0-9_]{1,61}[a-z0-9]\/)*[a-z][a-z0-9_]{1,62}[a-z0-9]$/
const objectIdPattern = /^[a-zA-Z0-9/_|\-=+]+$/
const caveatNamePattern = /^[a-zA-Z0-9_][a-zA-Z0-9/_|-]{0,127}$/

/** Longest object id, in bytes (the id alphabet is ASCII, so also in characters). */
export const maxObjectIdBytes = 1024
/** Longest definition name with its prefixes, in bytes. */
export const maxTypeBytes = 128
/** Longest relation or permission name, in bytes. */
export const maxRelationBytes = 64

/** Whether `text` can name a definition: segments of 3 to 64 characters separated by `/`, at most 128 bytes. */
export function isValidType(text: string): boolean {
  return text.length <= maxTypeBytes && typePattern.test(text)
}

/** Whether `text` can name a relation or permission: 3 to 64 characters, lower case, digits and `_` inside. */
export function isValidRelation(text: string): boolean {
  return text.length <= maxRelationBytes && namePattern.test(text)
}

/** Whether `text` can be the id of one object: `[a-zA-Z0-9/_|-=+]`, 1 to 1024 bytes; the wildcard is none. */
export function isValidObjectId(text: string): boolean {
  return text.length <= maxObjectIdBytes && objectIdPattern.test(text)
}

/** Whether `text` can name a caveat on a relationship, 1 to 128 bytes. */
export function isValidCaveatName(text: string): boolean {
  return caveatNamePattern.test(text)
}

/** `type:id` */
export function formatObject(object: ObjectRef): string {
  return `${object.type}:${object.id}`
}

/** `type:id` or `type:id#relation` */
export function formatSubject(subject: SubjectRef): string {
  return subject.relation === ''
    ? `${subject.type}:${subject.id}`
    : `${subject.type}:${subject.id}#${subject.relation}`
}
