// Random histories of a few rows whose caveats keep changing: every revision still says what was true then.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import type { Permissionship } from '../../src/model/decision.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'

const schema = `caveat allowed(yes bool, tag string) {
  yes && tag != "x"
}
definition user {}
definition document {
  relation viewer: user | user with allowed | user:* | user:* with allowed
}`

/** What a row can be: gone, bare, or under its caveat with this stored context. */
type State = 'gone' | '' | '[allowed]' | '[allowed:{"yes":true,"tag":"a"}]' | '[allowed:{"yes":false}]'
const states: readonly State[] = [
  'gone',
  '[allowed:{"yes":true,"tag":"a"}]',
  '[allowed:{"yes":false}]',
  '[allowed]',
  '',
]
const answers: { readonly [state in State]: Permissionship } = {
  gone: 'no',
  '': 'has',
  '[allowed]': 'conditional',
  '[allowed:{"yes":true,"tag":"a"}]': 'has',
  '[allowed:{"yes":false}]': 'no',
}
const order: readonly Permissionship[] = ['no', 'conditional', 'has']

const places = ['a', 'b', 'c', 'd'].flatMap((id) => ['ann', '*'].map((user) => ({ id, user })))

/** Rows of ann do not concern bob; rows of everyone concern both. */
function other(user: string): string {
  return user === 'ann' ? 'nobody' : 'ann'
}

/** One transaction: a new state for some of the places. */
const transaction = fc.uniqueArray(fc.tuple(fc.nat(places.length - 1), fc.nat(states.length - 1)), {
  minLength: 1,
  maxLength: 4,
  selector: ([place]) => place,
})

describe('histories', () => {
  test('every revision answers as it did', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 12 }), async (transactions) => {
        const clock = () => 1_000_000
        const authorizer = await createAuthorizer({ store: memoryStore({ clock }), clock })
        await authorizer.writeSchema(schema)
        const now = places.map((): State => 'gone')
        const moments: { readonly token: string; readonly states: readonly State[] }[] = []
        for (const changes of transactions) {
          const updates = changes.map(([place, state]) => {
            const { id, user } = places[place]!
            now[place] = states[state]!
            const traits = states[state] === 'gone' ? '' : states[state]
            const relationship = parseRelationship(`document:${id}#viewer@user:${user}${traits}`)
            return {
              operation: states[state] === 'gone' ? ('delete' as const) : ('touch' as const),
              relationship,
            }
          })
          const { token } = await authorizer.writeRelationships({ updates })
          moments.push({ token, states: [...now] })
        }
        for (const moment of [...moments].reverse()) {
          const consistency = { kind: 'at_exact_snapshot' as const, token: moment.token }
          const ids = ['a', 'b', 'c', 'd']
          for (const user of ['ann', 'bob']) {
            const subject = { type: 'user', id: user, relation: '' }
            const expected = ids.map((id) => {
              const states = moment.states.filter(
                (_, at) => places[at]!.id === id && places[at]!.user !== other(user),
              )
              return order[Math.max(...states.map((state) => order.indexOf(answers[state])))]!
            })
            const questions = ids.map((id) => ({
              resource: { type: 'document', id },
              permission: 'viewer',
              subject,
            }))
            const { answers: said } = await authorizer.checkBulk(questions, { consistency })
            expect(
              said.map((answer) => (answer.error === undefined ? answer.permissionship : answer.error)),
            ).toEqual(expected)
            const found = new Map<string, Permissionship>()
            const lookup = { resourceType: 'document', permission: 'viewer', subject, consistency }
            for await (const { resourceId, permissionship } of authorizer.lookupResources(lookup)) {
              found.set(resourceId, permissionship)
            }
            expect(ids.map((id) => found.get(id) ?? 'no')).toEqual(expected)
          }
        }
        await authorizer.close()
      }),
      { seed: 20261121, numRuns: 150 },
    )
  }, 120_000)
})
