// Units of work that notice a fault by failing: tests of the suite, and random cases judged by the reference evaluator.

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { takeCollected } from './collected-tests.ts'
import { engineUnits } from './engine-units.ts'
import { rowUnits } from './row-units.ts'

export interface Unit {
  readonly name: string
  /** What the run needs and must not suffer from a fault. Called once, before any fault is active. */
  prepare?(): Promise<void>
  /** Throws when something is wrong. */
  run(): void | Promise<void>
}

/** Files of tests that take long and say nothing about the rooms with faults, or that judge time. */
const leftOut = [
  'property/agreement', // the same questions are asked by the units of random cases, in smaller parts
  'property/large-cases',
  'property/snapshots',
  'property/histories',
  'property/differences',
  'property/explain',
  'property/evidence',
  'property/suggestions',
  'reference/',
  'schema/lint',
  'schema/diff',
  'schema/formatter',
  'schema/properties',
  'schema/grammar-page',
]
const slowTests = [
  'in bounded memory',
  'ends an evaluation that multiplies its work',
  'does not keep a concurrent check waiting',
  'are all well-typed',
  'counts what membership cost',
]

const folders = ['caveats', 'schema', 'engine', 'property', 'schema-tests']

/** Every unit; the same names in the same order in each process. */
export async function allUnits(): Promise<Unit[]> {
  // A counter-example is enough; making it small would cost time.
  fc.configureGlobal({ seed: 20261122, endOnFailure: true })
  const units: Unit[] = []
  for (const folder of folders) {
    const here = new URL(`../${folder}/`, import.meta.url)
    const files = readdirSync(fileURLToPath(here)).filter((name) => name.endsWith('.test.js'))
    for (const file of files.sort()) {
      const name = `${folder}/${file.replace('.test.js', '')}`
      if (leftOut.some((start) => name.startsWith(start))) continue
      await import(new URL(file, here).href)
      for (const test of takeCollected()) {
        if (slowTests.some((text) => test.name.includes(text))) continue
        units.push({ name: `${name}: ${test.name}`, run: test.run })
      }
    }
  }
  const all = [...units, ...engineUnits(), ...rowUnits()]
  const seen = new Map<string, number>()
  return all.map((unit) => {
    const count = (seen.get(unit.name) ?? 0) + 1
    seen.set(unit.name, count)
    return count === 1 ? unit : { ...unit, name: `${unit.name} (${count})` }
  })
}
