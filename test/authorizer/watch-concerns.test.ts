// Watchers of what hardly ever changes: the changes of others neither wake them nor count against them.

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WatchEvent } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'

let authorizer: LocalAuthorizer
beforeEach(async () => {
  authorizer = await createAuthorizer({ store: memoryStore(), limits: { maxWatchBacklog: 10 } })
  await authorizer.writeSchema(
    'definition user {}\ndefinition quiet {\n  relation viewer: user\n}\ndefinition loud {\n  relation viewer: user\n}',
  )
})
afterEach(() => authorizer.close())

const touch = (...texts: string[]) =>
  authorizer.writeRelationships({
    updates: texts.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
  })
const told = ({ value }: IteratorResult<WatchEvent>) =>
  (value as WatchEvent).changes.map(({ relationship }) => formatRelationship(relationship))

test('more changes than may wait, of another type, end nobody', async () => {
  const events = authorizer.watch({ resourceTypes: ['quiet'] })[Symbol.asyncIterator]()
  const first = events.next()
  await touch('quiet:a#viewer@user:ann')
  expect(told(await first)).toEqual(['quiet:a#viewer@user:ann'])
  // The reader takes nothing meanwhile.
  for (let at = 0; at < 50; at += 1) await touch(`loud:a${at}#viewer@user:ann`)
  await touch('quiet:b#viewer@user:ann', 'loud:b#viewer@user:ann')
  expect(told(await events.next())).toEqual(['quiet:b#viewer@user:ann'])
  for (let at = 0; at < 50; at += 1) await touch(`quiet:c${at}#viewer@user:ann`)
  await expect(events.next()).rejects.toMatchObject({ code: 'OVERLOADED' })
})

test('a schema write wakes those who asked for it', async () => {
  const events = authorizer.watch({ resourceTypes: ['quiet'], schema: true })[Symbol.asyncIterator]()
  const next = events.next()
  await touch('loud:a#viewer@user:ann')
  const { text } = await authorizer.readSchema()
  await authorizer.writeSchema(`${text}\n`)
  expect((await next).value).toMatchObject({ kind: 'schema' })
  await events.return?.()
})

test('checkpoints come while others write without pause', async () => {
  const events = authorizer.watch({ resourceTypes: ['quiet'], checkpoints: true })[Symbol.asyncIterator]()
  const next = events.next()
  let settled = false
  const checkpoint = next.finally(() => {
    settled = true
  })
  for (let at = 0; !settled; at += 1) {
    await touch(`loud:a${at}#viewer@user:ann`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect((await checkpoint).value).toMatchObject({ kind: 'checkpoint', changes: [] })
  await events.return?.()
})
