// Expand's trees: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { SubjectTree } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import {
  AlgebraicSubjectSet_Operation as Operation,
  type PermissionRelationshipTree,
  type PermissionRelationshipTreeSchema,
} from './gen/authzed/api/v1/core_pb.ts'
import { objectFromWire, objectToWire, subjectFromWire, subjectToWire } from './relationships.ts'

const operations = {
  union: Operation.UNION,
  intersection: Operation.INTERSECTION,
  exclusion: Operation.EXCLUSION,
} as const

/** Deepest tree that is sent. Two messages nest per level, and parsers commonly stop at 100. */
export const maxTreeDepth = 45

/** LIMIT_EXCEEDED for a tree that clients could not read. */
export function treeToWire(
  tree: SubjectTree,
  depth = 0,
): MessageInitShape<typeof PermissionRelationshipTreeSchema> {
  if (depth > maxTreeDepth) {
    throw new CardeaError(
      'LIMIT_EXCEEDED',
      `The tree is deeper than ${maxTreeDepth} levels, which clients cannot read. Expand an object further down.`,
    )
  }
  return {
    treeType:
      tree.kind === 'leaf'
        ? { case: 'leaf', value: { subjects: tree.subjects.map(subjectToWire) } }
        : {
            case: 'intermediate',
            value: {
              operation: operations[tree.kind],
              children: tree.children.map((child) => treeToWire(child, depth + 1)),
            },
          },
    expandedObject: objectToWire(tree.resource),
    expandedRelation: tree.name,
  }
}

export function treeFromWire(message: PermissionRelationshipTree): SubjectTree {
  const resource = objectFromWire(message.expandedObject, 'expanded_object')
  const name = message.expandedRelation
  const { treeType } = message
  if (treeType.case === 'leaf') {
    const subjects = treeType.value.subjects.map((subject) => subjectFromWire(subject, 'subject'))
    return { resource, name, kind: 'leaf', subjects }
  }
  const operation = treeType.value?.operation
  for (const [kind, number] of Object.entries(operations)) {
    if (number !== operation) continue
    const children = treeType.value!.children.map(treeFromWire)
    return { resource, name, kind: kind as keyof typeof operations, children }
  }
  throw new CardeaError('INTERNAL', 'The server sent a tree with an unknown operation.')
}
