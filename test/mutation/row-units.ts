// Reading rows as units: every filter's rows are those that the filter means, each once, in order, from any place on.

import { createEngine } from '../../src/engine/create-engine.ts'
import type { FoundRow } from '../../src/engine/engine.ts'
import type { World } from '../../src/engine/world.ts'
import { matchesFilter, type RelationshipFilter } from '../../src/model/filter.ts'
import { isLive } from '../../src/model/relationship.ts'
import { drain, worldOf } from '../property/cardea-systems.ts'
import { rowKey } from '../property/row-key.ts'
import { randomCases } from '../property/run-cases.ts'
import type { Case } from '../reference/generate.ts'
import type { Unit } from './units.ts'

export function rowUnits(): Unit[] {
  return randomCases(10, 950).map((each, number): Unit => {
    let world: Promise<World> | undefined
    const load = () => (world ??= worldOf(each))
    return {
      name: `case ${number}: rows`,
      async prepare() {
        await load()
      },
      async run() {
        for (const filter of filtersOf(each))
          judgeRows(await load(), each, filter, number % 2 === 0 ? 1 : 1000)
      },
    }
  })
}

function judgeRows(world: World, each: Case, filter: RelationshipFilter, steps: number): void {
  const read = (after?: FoundRow) =>
    drain(
      createEngine().readRows(world, { filter, ...(after === undefined ? {} : { after }) }, each.nowMs),
      steps,
      steps,
    )
  const told = JSON.stringify(filter)
  const rows = read()
  const expected = each.relationships.filter((row) => matchesFilter(filter, row) && isLive(row, each.nowMs))
  const said = rows.map(({ relationship }) => rowKey(relationship))
  if (JSON.stringify([...said].sort()) !== JSON.stringify(expected.map(rowKey).sort()))
    throw new Error(`${told}: rows ${said.join(', ')}`)
  for (const [at, row] of rows.entries()) {
    if (at > 0 && compare(position(rows[at - 1]!), position(row)) >= 0)
      throw new Error(`${told}: out of order`)
  }
  for (const at of [0, rows.length >> 1, rows.length - 1]) {
    const row = rows[at]
    if (row === undefined) continue
    const rest = read(row).map(({ relationship }) => rowKey(relationship))
    if (JSON.stringify(rest) !== JSON.stringify(said.slice(at + 1)))
      throw new Error(`${told}: after row ${at}`)
  }
}

function position({ resourceKey, relation, subjectKey, subjectRelation }: FoundRow) {
  return [resourceKey, relation, subjectKey, subjectRelation] as const
}

function compare(left: ReturnType<typeof position>, right: ReturnType<typeof position>): number {
  for (const [at, value] of left.entries()) {
    if (value !== right[at]) return value < right[at]! ? -1 : 1
  }
  return 0
}

/** Filters made of what the rows hold, in every combination of fields, and of what they don't hold. */
function filtersOf({ relationships: rows }: Case): RelationshipFilter[] {
  const picks = [rows[0], rows[rows.length >> 1], rows.at(-1)].filter((row) => row !== undefined)
  const filters = picks.flatMap(({ resource, relation, subject }) => {
    const resources = [
      {},
      { resourceType: resource.type },
      { resourceType: resource.type, resourceId: resource.id },
      { resourceType: resource.type, resourceIdPrefix: resource.id.slice(0, 1) },
      { resourceId: resource.id },
    ]
    const relations = [{}, { relation }, { relation: 'nothing' }]
    const subjects = [
      {},
      { subject: { type: subject.type } },
      { subject: { type: subject.type, id: subject.id } },
      { subject: { type: subject.type, id: subject.id, relation: subject.relation } },
      { subject: { type: subject.type, relation: subject.relation } },
      { subject: { type: subject.type, id: subject.id, relation: 'nothing' } },
      { subject: { type: subject.type, relation: '' } },
    ]
    return resources.flatMap((first) =>
      relations.flatMap((second) => subjects.map((third) => ({ ...first, ...second, ...third }))),
    )
  })
  const strange: RelationshipFilter[] = [
    { resourceType: 'nothing' },
    { resourceType: 'nothing', resourceId: 'a' },
    { resourceType: rows[0]?.resource.type ?? 'x', resourceId: 'nothing' },
    { subject: { type: 'nothing', id: 'a' } },
    { subject: { type: rows[0]?.subject.type ?? 'x', id: 'nothing' } },
    { subject: { type: 'nothing' } },
  ]
  return [...filters, ...strange]
}
