// The embeddable door: an Authorizer in this process.

export type * from './authorizer/authorizer.ts'
export {
  type AuthorizerOptions,
  createAuthorizer,
  type LocalAuthorizer,
} from './authorizer/create-authorizer.ts'
export type { AuthorizerLimits } from './authorizer/limits.ts'
export type { JsonObject, JsonValue } from './model/context.ts'
export type * from './model/decision.ts'
export { CardeaError, type ErrorCode, type ErrorFacts } from './model/errors.ts'
export type * from './model/filter.ts'
export type { ObjectRef, SubjectRef } from './model/reference.ts'
export type * from './model/relationship.ts'
export {
  formatRelationship,
  parseObject,
  parseObjectAndRelation,
  parseRelationship,
  parseSubject,
} from './model/relationship-text.ts'
export type { Consistency, Revision } from './model/revision.ts'
export { type MemoryStoreOptions, memoryStore } from './store/memory/store.ts'
