// Load chunks into the graph: columns in, tables out, no text in between.

import { CardeaError } from '../model/errors.ts'
import type { ObjectChunk, ObjectKey, RowChunk } from '../store/store.ts'
import type { Adjacency } from './adjacency.ts'
import type { Objects } from './objects.ts'
import type { ShapeId, Shapes } from './shapes.ts'
import type { NameId } from './snapshot.ts'

/** Enters the objects of a chunk; gives how many. `names`: ids of the load's names, by their index there. */
export function loadObjects(objects: Objects, names: readonly NameId[], chunk: ObjectChunk): number {
  const { keys, types, ids, offsets } = chunk
  for (let at = 0; at < keys.length; at += 1) {
    objects.addBytes(keys[at]!, names[types[at]!] ?? 0, ids, offsets[at]!, offsets[at + 1]!)
  }
  return keys.length
}

/** Enters the rows of a chunk, whose objects are known; gives how many. INTERNAL when a row makes no sense. */
export function loadRows(
  adjacency: Adjacency,
  shapes: Shapes,
  objects: Objects,
  names: readonly NameId[],
  chunk: RowChunk,
): number {
  const { resources, relations, subjects, subjectRelations, traits } = chunk
  let nextTraits = 0
  // Rows of the same kind come in runs.
  let place: ShapeId = 0
  let type = -1
  let relation = -1
  let subjectRelation = -1
  for (let at = 0; at < resources.length; at += 1) {
    const resource = resources[at]!
    const subject = subjects[at]!
    const rowType = objects.type(resource)
    if (rowType === 0 || objects.type(subject) === 0) throw unknownParts(resource, subject)
    if (rowType !== type || relations[at] !== relation || subjectRelations[at] !== subjectRelation) {
      type = rowType
      relation = relations[at]!
      subjectRelation = subjectRelations[at]!
      const relationName = names[relation] ?? 0
      const subjectRelationName = names[subjectRelation]
      if (relationName === 0 || subjectRelationName === undefined) throw unknownParts(resource, subject)
      place = shapes.internPlace(type, relationName, subjectRelationName)
    }
    const own = traits[nextTraits]
    if (own !== undefined && own.at === at) {
      nextTraits += 1
      adjacency.add(resource, place, subject, own)
    } else adjacency.add(resource, place, subject)
  }
  if (nextTraits !== traits.length) {
    throw new CardeaError('INTERNAL', 'The datastore sent traits out of the order of their rows.')
  }
  return resources.length
}

function unknownParts(resource: ObjectKey, subject: ObjectKey): CardeaError {
  return new CardeaError(
    'INTERNAL',
    `The datastore sent a row with unknown parts (resource key ${resource}, subject key ${subject}).`,
  )
}
