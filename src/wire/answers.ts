// Questions and answers: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { JsonObject } from '../model/context.ts'
import type { Answer, Permissionship, Question, ResolvedSubject } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import type {
  ObjectReference,
  PartialCaveatInfo,
  PartialCaveatInfoSchema,
  SubjectReference,
} from './gen/authzed/api/v1/core_pb.ts'
import {
  CheckPermissionResponse_Permissionship as CheckPermissionship,
  LookupPermissionship,
  type ResolvedSubject as ResolvedSubjectMessage,
  type ResolvedSubjectSchema,
} from './gen/authzed/api/v1/permission_service_pb.ts'
import { jsonToWire } from './json-values.ts'
import {
  nameFromWire,
  objectFromWire,
  objectToWire,
  subjectFromWire,
  subjectToWire,
} from './relationships.ts'

/** What a check request and an item of a bulk check have in common. */
interface QuestionMessage {
  readonly resource?: ObjectReference | undefined
  readonly permission: string
  readonly subject?: SubjectReference | undefined
  readonly context?: JsonObject | undefined
}

export function questionFromWire(message: QuestionMessage): Question {
  const question = {
    resource: objectFromWire(message.resource, 'resource'),
    permission: nameFromWire(message.permission, 'permission'),
    subject: subjectFromWire(message.subject, 'subject'),
  }
  return message.context === undefined ? question : { ...question, context: message.context }
}

export function questionToWire(question: Question) {
  return {
    resource: objectToWire(question.resource),
    permission: question.permission,
    subject: subjectToWire(question.subject),
    context: jsonToWire(question.context),
  }
}

const checkNumbers: Record<Permissionship, CheckPermissionship> = {
  no: CheckPermissionship.NO_PERMISSION,
  has: CheckPermissionship.HAS_PERMISSION,
  conditional: CheckPermissionship.CONDITIONAL_PERMISSION,
}

export function permissionshipToWire(permissionship: Permissionship): CheckPermissionship {
  return checkNumbers[permissionship]
}

/** An answer from a server. A number that is not known is an error, never a yes. */
export function permissionshipFromWire(number: CheckPermissionship): Permissionship {
  if (number === CheckPermissionship.HAS_PERMISSION) return 'has'
  if (number === CheckPermissionship.NO_PERMISSION) return 'no'
  if (number === CheckPermissionship.CONDITIONAL_PERMISSION) return 'conditional'
  throw unknownAnswer(number)
}

function unknownAnswer(number: number): CardeaError {
  return new CardeaError('INTERNAL', `The server answered with an unknown permissionship (${number}).`)
}

/** Set for a conditional answer only. */
export function missingToWire(answer: Answer): MessageInitShape<typeof PartialCaveatInfoSchema> | undefined {
  return answer.permissionship === 'conditional'
    ? { missingRequiredContext: answer.missing as string[] }
    : undefined
}

export function missingFromWire(info: PartialCaveatInfo | undefined): readonly string[] {
  return info === undefined ? [] : [...info.missingRequiredContext].sort()
}

/** What a lookup found: never a no. */
export function foundToWire(answer: Answer): LookupPermissionship {
  return answer.permissionship === 'has'
    ? LookupPermissionship.HAS_PERMISSION
    : LookupPermissionship.CONDITIONAL_PERMISSION
}

export function foundFromWire(number: LookupPermissionship): 'has' | 'conditional' {
  if (number === LookupPermissionship.HAS_PERMISSION) return 'has'
  if (number === LookupPermissionship.CONDITIONAL_PERMISSION) return 'conditional'
  throw unknownAnswer(number)
}

export function resolvedToWire(subject: ResolvedSubject): MessageInitShape<typeof ResolvedSubjectSchema> {
  return {
    subjectObjectId: subject.subjectId,
    permissionship: foundToWire(subject),
    partialCaveatInfo: missingToWire(subject),
  }
}

export function resolvedFromWire(message: ResolvedSubjectMessage): ResolvedSubject {
  return {
    subjectId: message.subjectObjectId,
    permissionship: foundFromWire(message.permissionship),
    missing: missingFromWire(message.partialCaveatInfo),
  }
}
