// Several workers behind one pair of addresses: one truth, no matter which of them answers, and nobody is missed for long.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../src/client/connect.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { cardea, emptyFolder, started } from './run-cardea.ts'

const addresses = ['--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0']
const schema = `definition user {}
definition document {
	relation viewer: user
}`

const question = {
  resource: { type: 'document', id: 'plan' },
  permission: 'viewer',
  subject: { type: 'user', id: 'ann', relation: '' },
}

/** The worker that a new connection comes to, by its metrics. */
async function workerOf(httpAddr: string, key: string): Promise<string | undefined> {
  const response = await fetch(`http://${httpAddr}/metrics`, {
    headers: { authorization: `Bearer ${key}`, connection: 'close' },
  })
  return /worker="(\d+)"/.exec(await response.text())?.[1]
}

test('workers share what is written, are replaced when they die, and stop together', async () => {
  const folder = emptyFolder()
  const words = ['serve', '--datastore', 'sqlite:./cardea.db', '--workers', '2', ...addresses]
  const server = await started(words, folder, 'Cardea is serving')
  const { grpcAddr, httpAddr, presharedKey } = JSON.parse(
    readFileSync(join(folder, '.cardea', 'connection.json'), 'utf8'),
  )
  const clients = Array.from({ length: 8 }, () => connect({ address: grpcAddr, presharedKey }))
  try {
    await clients[0]!.writeSchema(schema)
    const update = {
      operation: 'touch' as const,
      relationship: parseRelationship('document:plan#viewer@user:ann'),
    }
    const { token } = await clients[1]!.writeRelationships({ updates: [update] })
    for (const kind of ['fully_consistent', 'at_least_as_fresh'] as const) {
      const consistency = kind === 'fully_consistent' ? { kind } : { kind, token }
      const answers = await Promise.all(clients.map((client) => client.check(question, { consistency })))
      expect(answers.map(({ permissionship }) => permissionship)).toEqual(clients.map(() => 'has'))
    }
    const seen = new Set<string | undefined>()
    for (let connection = 0; connection < 8; connection += 1) seen.add(await workerOf(httpAddr, presharedKey))
    expect([...seen].sort()).toEqual(['1', '2'])

    const before = server.output().length
    const [child] = readFileSync(`/proc/${server.child.pid}/task/${server.child.pid}/children`, 'utf8').split(
      ' ',
    )
    process.kill(Number(child), 'SIGKILL')
    await expect.poll(() => server.output().slice(before), { timeout: 30_000 }).toContain('is replaced')
    await expect
      .poll(
        async () => {
          const found = new Set<string | undefined>()
          for (let connection = 0; connection < 8; connection += 1)
            found.add(await workerOf(httpAddr, presharedKey).catch(() => undefined))
          return found.has('3')
        },
        { timeout: 60_000 },
      )
      .toBe(true)
    const late = connect({ address: grpcAddr, presharedKey })
    const { permissionship } = await late.check(question, {
      consistency: { kind: 'at_least_as_fresh', token },
    })
    expect(permissionship).toBe('has')
    await late.close()
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    expect(await server.stop()).toBe(0)
  }
})

test('workers need a datastore that they can share', async () => {
  const outcome = await cardea(
    ['serve', '--datastore', 'memory', '--workers', '2', ...addresses],
    emptyFolder(),
  )
  expect(outcome.code).toBe(2)
  expect(outcome.stderr).toContain('--workers needs a datastore that processes can share')
})

test('what one worker cannot start with, the command ends with', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'cardea.db'), 'This is no database. '.repeat(1000))
  const words = ['serve', '--datastore', 'sqlite:./cardea.db', '--workers', '2', ...addresses]
  const outcome = await cardea(words, folder)
  expect(outcome.code).not.toBe(0)
  expect(outcome.stderr).toContain('cardea.db')
})
