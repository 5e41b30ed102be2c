// The engine: every question on a world, within limits.

import { check, defaultFastPaths, type FastPaths } from './check.ts'
import { checkBulk } from './check-bulk.ts'
import type { Engine, EngineLimits } from './engine.ts'
import { evidenceBulk } from './evidence-bulk.ts'
import { expand } from './expand.ts'
import { explain } from './explain.ts'
import { lookupResources } from './lookup-resources.ts'
import { lookupSubjects } from './lookup-subjects.ts'
import { readRows } from './read-rows.ts'
import type { World } from './world.ts'

export const defaultEngineLimits: EngineLimits = Object.freeze({
  maxSteps: 50_000_000,
  maxEntries: 20_000_000,
})

/** `paths` turns fast paths off, for tests that compare them with the general one. */
export function createEngine(
  limits: Partial<EngineLimits> = {},
  paths: Partial<FastPaths> = {},
): Engine<World> {
  const bounds = { ...defaultEngineLimits, ...limits }
  const fast: FastPaths = { ...defaultFastPaths, ...paths }
  return {
    check: (world, question, nowMs) => check(world, question, nowMs, bounds, fast),
    checkBulk: (world, questions, nowMs) => checkBulk(world, questions, nowMs, bounds, fast),
    explain: (world, question, nowMs, options = {}) => explain(world, question, nowMs, bounds, options),
    evidenceBulk: (world, questions, nowMs) => evidenceBulk(world, questions, nowMs, bounds, fast),
    lookupResources: (world, request, nowMs) => lookupResources(world, request, nowMs, bounds, fast),
    lookupSubjects: (world, request, nowMs) => lookupSubjects(world, request, nowMs, bounds, fast),
    expand: (world, request, nowMs) => expand(world, request, nowMs, bounds),
    readRows: (world, request, nowMs) => readRows(world, request, nowMs, bounds),
  }
}
