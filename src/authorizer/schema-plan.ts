// Schema plans: what a schema write would change and what refuses it, found out without writing.

import { compilePlans, type Plans } from '../engine/plans.ts'
import type { Permissionship, Question } from '../model/decision.ts'
import type { Schema } from '../model/schema.ts'
import { diffSchemas } from '../schema/diff.ts'
import { schemaGuards } from '../schema/schema-guards.ts'
import type { SchemaGuard } from '../store/store.ts'
import type { CallOptions, SchemaPlan, SchemaPlanOptions } from './authorizer.ts'
import { type Desk, withWorld } from './desk.ts'
import type { PinnedWorld } from './followed-datastore.ts'
import { firstRow } from './rehearsal.ts'
import { runEvaluation } from './run-evaluation.ts'
import { sampleQuestions } from './sample-questions.ts'
import { checkedSchema } from './writes.ts'

const defaultSample = 1000

export async function planSchema(desk: Desk, text: string, options: SchemaPlanOptions): Promise<SchemaPlan> {
  const schema = checkedSchema(text)
  const plans = compilePlans(schema)
  return withWorld(desk.datastore.pin({ kind: 'fully_consistent' }, options), async (pinned) => {
    const current = pinned.schema.schema
    const sampled = sampleQuestions(pinned.world.snapshot, current, schema, options.sample ?? defaultSample)
    const questions = [...(options.questions ?? []), ...sampled]
    const changed: SchemaPlan['changed'][number][] = []
    for (const question of questions) {
      const before = await answer(desk, pinned, pinned.world.plans, question, options)
      const after = await answer(desk, pinned, plans, question, options)
      if (before !== after) changed.push({ question, before, after })
    }
    return {
      token: pinned.token,
      differences: diffSchemas(current, schema),
      blocked: await blockedBy(desk, pinned, schema, options),
      changed,
      asked: questions.length,
    }
  })
}

async function blockedBy(
  desk: Desk,
  pinned: PinnedWorld,
  schema: Schema,
  call: CallOptions,
): Promise<SchemaPlan['blocked']> {
  const { guards, problems } = schemaGuards(pinned.schema.schema, schema)
  const blocked: SchemaPlan['blocked'][number][] = problems.map(({ message }) => ({ message }))
  for (const guard of guards) {
    const relationship = await firstRow(desk, pinned, guard.filter, call, (row) => isGuarded(guard, row))
    if (relationship !== undefined) blocked.push({ message: guard.message, relationship })
  }
  return blocked
}

function isGuarded(
  { caveat, expiration }: SchemaGuard,
  row: { caveat?: { name: string }; expiresAtMs?: number },
): boolean {
  if (caveat !== undefined && (row.caveat?.name ?? null) !== caveat) return false
  return expiration === undefined || (row.expiresAtMs !== undefined) === expiration
}

async function answer(
  desk: Desk,
  pinned: PinnedWorld,
  plans: Plans,
  question: Question,
  call: CallOptions,
): Promise<Permissionship | 'unknown'> {
  const { resource, permission, subject } = question
  const known = plans.find(resource.type, permission) !== undefined
  const subjectKnown =
    subject.relation === ''
      ? plans.types.includes(subject.type)
      : plans.find(subject.type, subject.relation) !== undefined
  if (!known || !subjectKnown) return 'unknown'
  const world = { snapshot: pinned.world.snapshot, plans }
  return (await runEvaluation(desk.engine.check(world, question, desk.clock()), call, desk.clock))
    .permissionship
}
