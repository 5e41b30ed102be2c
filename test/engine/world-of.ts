// An authorizer over relationship strings, for tests that read like the paper.

import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import type { AuthorizerLimits } from '../../src/authorizer/limits.ts'
import type { JsonObject } from '../../src/model/context.ts'
import type { Question } from '../../src/model/decision.ts'
import { parseObjectAndRelation, parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'

/** Writes schema and rows in the order given, in batches that fit one write each. */
export async function worldOf(
  schema: string,
  rows: readonly string[],
  limits: Partial<AuthorizerLimits> = {},
): Promise<Authorizer> {
  const authorizer = await createAuthorizer({ store: memoryStore(), limits })
  await authorizer.writeSchema(schema)
  for (let at = 0; at < rows.length; at += 1000) {
    await authorizer.writeRelationships({
      updates: rows
        .slice(at, at + 1000)
        .map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
    })
  }
  return authorizer
}

/** `document:a#view@user:ann` as a question. */
export function questionOf(text: string, context?: JsonObject): Question {
  const at = text.indexOf('@')
  const { resource, relation } = parseObjectAndRelation(text.slice(0, at))
  const subject = parseSubject(text.slice(at + 1))
  return { resource, permission: relation, subject, ...(context === undefined ? {} : { context }) }
}

/** `has`, `no` or `conditional`. */
export async function ask(authorizer: Authorizer, text: string, context?: JsonObject): Promise<string> {
  return (await authorizer.check(questionOf(text, context))).permissionship
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
