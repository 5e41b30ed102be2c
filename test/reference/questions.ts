// Questions of every kind about a case, and the answers to them in one shape for every system under test.

import type { JsonObject } from '../../src/model/context.ts'
import type { Permissionship, SubjectTree } from '../../src/model/decision.ts'
import { formatObject, formatSubject, type ObjectRef, type SubjectRef } from '../../src/model/reference.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import type { Case } from './generate.ts'

export interface CheckQuestion {
  readonly kind: 'check'
  readonly resource: ObjectRef
  readonly permission: string
  readonly subject: SubjectRef
  readonly context: JsonObject
}

export interface ResourcesQuestion {
  readonly kind: 'lookup-resources'
  readonly resourceType: string
  readonly permission: string
  readonly subject: SubjectRef
  readonly context: JsonObject
}

export interface SubjectsQuestion {
  readonly kind: 'lookup-subjects'
  readonly resource: ObjectRef
  readonly permission: string
  readonly subjectType: string
  readonly subjectRelation: string
  readonly context: JsonObject
}

export interface ExpandQuestion {
  readonly kind: 'expand'
  readonly resource: ObjectRef
  readonly permission: string
}

export type AnyQuestion = CheckQuestion | ResourcesQuestion | SubjectsQuestion | ExpandQuestion

/** What a system said to one yes-or-no question. */
export interface SaidAnswer {
  readonly permissionship: Permissionship
  readonly missing: readonly string[]
}

/** One listed resource or subject; `excluded` only with the wildcard. */
export interface SaidItem extends SaidAnswer {
  readonly id: string
  readonly excluded?: readonly SaidItem[]
}

/** `error` is the code of the failure, or what is known of it. */
export type Said<Value> = { readonly value: Value; readonly error?: undefined } | { readonly error: string }

export type SaidTree = SubjectTree

/** The objects that a case is about: those in rows and those asked with, each once. */
export function objectsOf(each: Case): ObjectRef[] {
  const objects = [
    ...each.relationships.flatMap((row) => [row.resource, row.subject]),
    ...each.subjects,
  ].filter(({ id }) => id !== '*')
  return [...new Map(objects.map(({ type, id }) => [formatObject({ type, id }), { type, id }])).values()]
}

/** Every object with every member of its definition. */
export function nodesOf(each: Case): { readonly resource: ObjectRef; readonly permission: string }[] {
  return objectsOf(each).flatMap((resource) => {
    const { members } = each.schema.definitions.get(resource.type)!
    return members.map((permission) => ({ resource, permission }))
  })
}

/** Every check: all subjects against all nodes under all contexts. */
export function checksOf(each: Case): CheckQuestion[] {
  return each.contexts.flatMap((context) =>
    each.subjects.flatMap((subject) =>
      nodesOf(each).map((node) => ({ kind: 'check' as const, ...node, subject, context })),
    ),
  )
}

/** Every lookup of resources: all members of all definitions for all subjects under all contexts. */
export function resourceLookupsOf(each: Case): ResourcesQuestion[] {
  const members = [...each.schema.definitions.values()].flatMap((definition) =>
    definition.members.map((permission) => ({ resourceType: definition.name, permission })),
  )
  return each.contexts.flatMap((context) =>
    each.subjects.flatMap((subject) =>
      members.map((member) => ({ kind: 'lookup-resources' as const, ...member, subject, context })),
    ),
  )
}

/** Every lookup of subjects: all nodes, for each kind of subject that the case asks with. */
export function subjectLookupsOf(each: Case): SubjectsQuestion[] {
  const kinds = new Map(
    each.subjects.map(({ type, relation }) => [`${type}#${relation}`, { type, relation }]),
  )
  return each.contexts.flatMap((context) =>
    [...kinds.values()].flatMap(({ type, relation }) =>
      nodesOf(each).map((node) => ({
        kind: 'lookup-subjects' as const,
        ...node,
        subjectType: type,
        subjectRelation: relation,
        context,
      })),
    ),
  )
}

export function expansionsOf(each: Case): ExpandQuestion[] {
  return nodesOf(each).map((node) => ({ kind: 'expand' as const, ...node }))
}

/** A question as one line. */
export function describeQuestion(question: AnyQuestion): string {
  const context = 'context' in question ? ` with ${JSON.stringify(question.context)}` : ''
  switch (question.kind) {
    case 'check':
      return `check ${formatObject(question.resource)}#${question.permission}@${formatSubject(question.subject)}${context}`
    case 'lookup-resources':
      return `lookup-resources ${question.resourceType}#${question.permission}@${formatSubject(question.subject)}${context}`
    case 'lookup-subjects': {
      const { resource, permission, subjectType, subjectRelation } = question
      const subjects = subjectRelation === '' ? subjectType : `${subjectType}#${subjectRelation}`
      return `lookup-subjects ${formatObject(resource)}#${permission} of ${subjects}${context}`
    }
    case 'expand':
      return `expand ${formatObject(question.resource)}#${question.permission}`
  }
}

/** A case as text that can be pasted into a validation file. */
export function describeCase(each: Case): string {
  return `${each.schema.text}\n${each.relationships.map((row) => `${formatRelationship(row)}\n`).join('')}`
}
