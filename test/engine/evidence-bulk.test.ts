// Evidence in bulk: where a path found by reachability has rows to spare, the proof has not.

import { expect, test } from 'vitest'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { questionOf, worldOf } from './world-of.ts'

async function proofOf(schema: string, rows: readonly string[]): Promise<readonly string[] | undefined> {
  const authorizer = await worldOf(schema, rows)
  // Questions about one subject share what they find only when there are a few.
  const questions = ['other', '1', 'another'].map((id) => questionOf(`document:${id}#view@user:alice`))
  const { answers } = await authorizer.checkBulk(questions, { evidence: true })
  const evidence = answers.map((answer) => ('evidence' in answer ? answer.evidence : undefined))
  expect(evidence.map((each) => each?.permissionship)).toEqual(['no', 'has', 'no'])
  return evidence[1]?.proof.map(formatRelationship)
}

test('a document that is its own parent', async () => {
  const schema = `definition user {}
definition document {
	relation parent: document
	relation viewer: user
	permission through = viewer
	permission third = viewer
	permission second = third
	permission first = second
	permission view = first + parent->through
}`
  const rows = ['document:1#parent@document:1', 'document:1#viewer@user:alice']
  expect(await proofOf(schema, rows)).toEqual(['document:1#viewer@user:alice'])
})

test('a long path that comes to its last document twice', async () => {
  const schema = `definition user {}
definition document {
	relation next: document
	relation parent: document
	relation viewer: user
	permission through = viewer
	permission third = viewer
	permission second = third
	permission first = second
	permission view = first + parent->through + next->view
}`
  for (const length of [30, 31, 32, 33, 34, 60]) {
    const chain = Array.from({ length }, (_, at) => `document:${at + 1}#next@document:${at + 2}`)
    const last = `document:${length + 1}`
    const rows = [...chain, `${last}#parent@${last}`, `${last}#viewer@user:alice`]
    expect((await proofOf(schema, rows))?.toSorted(), String(length)).toEqual(
      [...chain, `${last}#viewer@user:alice`].sort(),
    )
  }
})

test('paths through the same objects, one after the other', async () => {
  const schema = `definition user {}
definition folder {
	relation viewer: user
}
definition document {
	relation parent: folder
	permission view = parent->viewer
}`
  const ids = Array.from({ length: 50 }, (_, at) => String(at))
  const authorizer = await worldOf(schema, [
    'folder:f#viewer@user:alice',
    ...ids.map((id) => `document:${id}#parent@folder:f`),
  ])
  const questions = [...ids, ...ids].map((id) => questionOf(`document:${id}#view@user:alice`))
  const { answers } = await authorizer.checkBulk(questions, { evidence: true })
  const proofs = answers.map((answer) => ('evidence' in answer ? answer.evidence?.proof : undefined))
  expect(proofs.map((proof) => proof?.map(formatRelationship))).toEqual(
    [...ids, ...ids].map((id) => [`document:${id}#parent@folder:f`, 'folder:f#viewer@user:alice']),
  )
})

test('a path that passes the subject on its way to a wildcard', async () => {
  const schema = `use self
definition user {
	relation friend: user:*
	permission known = friend
	permission third = self
	permission second = third
	permission themselves = second
}
definition document {
	relation owner: user
	permission view = owner->known + owner->themselves
}`
  const rows = ['document:1#owner@user:alice', 'user:alice#friend@user:*']
  expect(await proofOf(schema, rows)).toEqual(['document:1#owner@user:alice'])
})

test('a path that begins at the subject', async () => {
  const schema = `use self
definition user {
	relation friend: user:*
	permission third = self
	permission second = third
	permission themselves = second
	permission known = friend + themselves
}`
  const authorizer = await worldOf(schema, ['user:alice#friend@user:*', 'user:bob#friend@user:*'])
  const questions = ['bob', 'alice', 'other'].map((id) => questionOf(`user:${id}#known@user:alice`))
  const { answers } = await authorizer.checkBulk(questions, { evidence: true })
  const proofs = answers.map((answer) => ('evidence' in answer ? answer.evidence?.proof : undefined))
  expect(proofs.map((proof) => proof?.map(formatRelationship))).toEqual([['user:bob#friend@user:*'], [], []])
})

test('a no that a condition makes is told as one, by a user and by a group', async () => {
  const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
	relation member: user
}
definition document {
	relation viewer: user with allowed | group#member with allowed
	permission view = viewer
}`
  const authorizer = await worldOf(schema, [
    'document:direct#viewer@user:alice[allowed:{"level":1}]',
    'document:grouped#viewer@group:g#member[allowed:{"level":1}]',
    'group:g#member@user:alice',
    'document:other#viewer@user:bob[allowed:{"level":4}]',
  ])
  const ids = ['direct', 'grouped', 'other', 'direct', 'nothing']
  const questions = ids.map((id) => questionOf(`document:${id}#view@user:alice`))
  const { answers } = await authorizer.checkBulk(questions, { evidence: true })
  for (const answer of answers) {
    expect('evidence' in answer && answer.evidence).toMatchObject({
      permissionship: 'no',
      proof: [],
      absences: [],
    })
  }
  const kinds = answers.map((answer) => ('evidence' in answer ? answer.evidence?.reason?.kind : undefined))
  expect(kinds).toEqual(['condition_false', 'condition_false', 'no_path', 'condition_false', 'no_path'])
})

test('where no row is needed the proof is empty, even when a row is there', async () => {
  const authorizer = await worldOf(
    `use self
definition user {
	relation friend: user:*
	permission third = self
	permission second = third
	permission known = friend + second
}
definition group {
	relation member: user | group#member
}`,
    ['user:alice#friend@user:*', 'group:g#member@group:h#member', 'group:h#member@group:g#member'],
  )
  const asked = ['user:alice#known@user:alice', 'group:g#member@group:g#member']
  const others = [
    'user:bob#known@user:alice',
    'group:k#member@group:g#member',
    'group:h#member@group:g#member',
  ]
  const questions = [...asked, ...others, ...asked, ...asked].map((text) => questionOf(text))
  const { answers } = await authorizer.checkBulk(questions, { evidence: true })
  const told = answers.map((answer) => ('evidence' in answer ? answer.evidence : undefined))
  const proofs = told.map((each) => [each?.permissionship, each?.proof.map(formatRelationship)])
  const none = ['has', []]
  expect(proofs.slice(0, 2)).toEqual([none, none])
  expect(proofs.slice(2, 5)).toEqual([
    ['no', []],
    ['no', []],
    ['has', ['group:h#member@group:g#member']],
  ])
  expect(proofs.slice(5)).toEqual([none, none, none, none])
})
