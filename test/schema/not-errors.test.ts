// What looks wrong and is allowed: each compiles, answers, and at most meets a lint rule.

import { expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { ask, worldOf } from '../engine/world-of.ts'

interface Allowed {
  readonly name: string
  readonly schema: string
  readonly rows: readonly string[]
  /** Question and answer. */
  readonly asked: readonly [string, string]
  readonly lint?: string
}

const cases: readonly Allowed[] = [
  {
    name: 'an arrow whose right side is missing on some types',
    schema:
      'definition user {}\ndefinition team { relation lead: user; }\ndefinition doc { relation above: team | user; permission view = above->lead; }',
    rows: ['doc:a#above@user:ann', 'doc:a#above@team:x', 'team:x#lead@user:bob'],
    asked: ['doc:a#view@user:bob', 'has'],
    lint: 'arrow-references-relation',
  },
  {
    name: 'an arrow whose right side is missing on all types',
    schema: 'definition user {}\ndefinition doc { relation above: user; permission view = above->nowhere; }',
    rows: ['doc:a#above@user:ann'],
    asked: ['doc:a#view@user:ann', 'no'],
    lint: 'arrow-references-unreachable-relation',
  },
  {
    name: 'an unused definition',
    schema:
      'definition user {}\ndefinition spare {}\ndefinition doc { relation owner: user; permission view = owner; }',
    rows: ['doc:a#owner@user:ann'],
    asked: ['doc:a#view@user:ann', 'has'],
  },
  {
    name: 'a permission of nil only',
    schema:
      'definition user {}\ndefinition doc { relation owner: user; permission view = nil; permission own = owner; }',
    rows: ['doc:a#owner@user:ann'],
    asked: ['doc:a#view@user:ann', 'no'],
  },
  {
    name: 'a wildcard under every operator',
    schema:
      'definition user {}\ndefinition doc { relation all: user:*; relation some: user; permission view = (all & some) + (all - some); }',
    rows: ['doc:a#all@user:*', 'doc:a#some@user:ann'],
    asked: ['doc:a#view@user:new', 'has'],
  },
  {
    name: 'a permission that refers to itself inside a larger expression',
    schema: 'definition user {}\ndefinition doc { relation owner: user; permission view = view + owner; }',
    rows: ['doc:a#owner@user:ann'],
    asked: ['doc:a#view@user:ann', 'has'],
    lint: 'permission-references-itself',
  },
  {
    name: 'an annotation that names more than is reached',
    schema:
      'use typechecking\ndefinition user {}\ndefinition robot {}\ndefinition doc { relation owner: user; permission view: user | robot = owner; }',
    rows: ['doc:a#owner@user:ann'],
    asked: ['doc:a#view@robot:r2', 'no'],
  },
  {
    name: 'an annotation that leaves a type out, without its flag',
    schema:
      'definition user {}\ndefinition robot {}\ndefinition doc { relation owner: user | robot; permission view: user = owner; }',
    rows: ['doc:a#owner@robot:r2'],
    asked: ['doc:a#view@robot:r2', 'has'],
  },
  {
    name: 'a permission as the subject relation of a type',
    schema:
      'definition user {}\ndefinition team { relation lead: user; permission all = lead; }\ndefinition doc { relation owner: team#all; permission view = owner; }',
    rows: ['doc:a#owner@team:x#all', 'team:x#lead@user:ann'],
    asked: ['doc:a#view@user:ann', 'has'],
  },
]

test.each(cases)('$name', async ({ schema, rows, asked: [question, answer], lint }) => {
  expect(compileSchema(schema).problems).toEqual([])
  expect(await ask(await worldOf(schema, rows), question)).toBe(answer)
  const found = lintSchema(schema).map(({ code }) => code)
  if (lint !== undefined) expect(found).toContain(lint)
})
