// The client's own manners: it sees what it wrote, repeats only what is safe, ends what nobody waits for.

import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { connect } from '../../src/client/connect.ts'
import { Written } from '../../src/client/written.ts'
import { CardeaError, type ErrorCode } from '../../src/model/errors.ts'
import { parseObject, parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import { encode } from '../../src/wire/message-codec.ts'
import { PermissionsService } from '../../src/wire/messages.ts'
import { key, openDoor } from '../api/grpc-harness.ts'
import { scriptedAuthorizer } from '../api/scripted-authorizer.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function clientOf(script: Partial<Authorizer>, options: Partial<Parameters<typeof connect>[0]> = {}) {
  const door = await openDoor({ authorizer: scriptedAuthorizer(script) })
  closing.push(() => door.close(0))
  const client = connect({ address: door.address, presharedKey: key, ...options })
  closing.push(() => client.close())
  return client
}

const question = {
  resource: parseObject('document:a'),
  permission: 'view',
  subject: parseSubject('user:ann'),
}
const yes = { permissionship: 'has', missing: [], token: 't' } as const
const updates = [
  { operation: 'touch' as const, relationship: parseRelationship('document:a#viewer@user:ann') },
]

describe('reading what was written', () => {
  test('a read without a consistency of its own carries the newest token', async () => {
    const asked: unknown[] = []
    const client = await clientOf({
      check: async (_question, options) => {
        asked.push(options?.consistency)
        return yes
      },
      writeRelationships: async () => ({ token: 'w1' }),
      deleteRelationships: async () => ({ token: 'd1', deletedCount: 1, progress: 'complete' }),
      writeSchema: async () => ({ token: 's1' }),
      importRelationships: async (rows) => {
        for await (const _ of rows);
        return { token: 'i1', count: 0 }
      },
    })
    async function* none() {}
    await client.check(question)
    await client.writeRelationships({ updates })
    await client.check(question)
    await client.deleteRelationships({ filter: { resourceType: 'document' } })
    await client.check(question)
    await client.writeSchema('definition user {}')
    await client.check(question)
    await client.importRelationships(none())
    await client.check(question)
    await client.check(question, { consistency: { kind: 'minimize_latency' } })
    const fresh = (token: string) => ({ kind: 'at_least_as_fresh', token })
    expect(asked).toEqual([
      undefined,
      fresh('w1'),
      fresh('d1'),
      fresh('s1'),
      fresh('i1'),
      { kind: 'minimize_latency' },
    ])
  })

  const answers = (token: string) => async () => ({ token })
  const fails = (code: ErrorCode) => async () => {
    throw new CardeaError(code, 'no')
  }

  test('writes that overlap have no order, so the newest state is asked for', async () => {
    const written = new Written()
    let finish!: () => void
    const slow = written.during(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return { token: 'slow' }
    })
    await written.during(answers('quick'))
    expect(written.consistency).toEqual({ kind: 'fully_consistent' })
    finish()
    await slow
    expect(written.consistency).toEqual({ kind: 'fully_consistent' })
    await written.during(answers('later'))
    expect(written.consistency).toEqual({ kind: 'at_least_as_fresh', token: 'later' })
  })

  test('a write whose outcome is unknown, too; one that was refused changes nothing', async () => {
    const written = new Written()
    await written.during(answers('one'))
    await written.during(fails('RELATIONSHIP_EXISTS')).catch(() => {})
    expect(written.consistency).toEqual({ kind: 'at_least_as_fresh', token: 'one' })
    await written.during(fails('DEADLINE_EXCEEDED')).catch(() => {})
    expect(written.consistency).toEqual({ kind: 'fully_consistent' })
  })
})

describe('repetition', () => {
  const flaky = (failures: number, code: ErrorCode, tries: { count: number }) => async () => {
    tries.count += 1
    if (tries.count <= failures)
      throw new CardeaError(code, 'Not now.', code === 'OVERLOADED' ? { retry_after_ms: '5' } : {})
    return yes
  }

  test.each(['UNAVAILABLE', 'OVERLOADED'] as const)('a check that meets %s is asked again', async (code) => {
    const tries = { count: 0 }
    const client = await clientOf({ check: flaky(2, code, tries) })
    expect((await client.check(question)).permissionship).toBe('has')
    expect(tries.count).toBe(3)
  })

  test('not for ever, and not past the deadline', async () => {
    const tries = { count: 0 }
    const client = await clientOf({ check: flaky(100, 'UNAVAILABLE', tries) }, { maxRetries: 2 })
    await expect(client.check(question)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(tries.count).toBe(3)
    const again = { count: 0 }
    const patient = await clientOf({ check: flaky(100, 'OVERLOADED', again) }, { maxRetries: 1_000_000 })
    await expect(patient.check(question, { deadlineMs: Date.now() + 200 })).rejects.toBeInstanceOf(
      CardeaError,
    )
  })

  test.each(['INVALID_ARGUMENT', 'INTERNAL', 'LIMIT_EXCEEDED', 'PERMISSION_DENIED'] as const)(
    'a check that meets %s is not',
    async (code) => {
      const tries = { count: 0 }
      const client = await clientOf({ check: flaky(1, code, tries) })
      await expect(client.check(question)).rejects.toMatchObject({ code })
      expect(tries.count).toBe(1)
    },
  )

  test('a write never is', async () => {
    let tries = 0
    const client = await clientOf({
      writeRelationships: async () => {
        tries += 1
        throw new CardeaError('UNAVAILABLE', 'Not now.')
      },
    })
    await expect(client.writeRelationships({ updates })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(tries).toBe(1)
  })

  test('a stream is repeated before its first message and never after', async () => {
    let tries = 0
    const found = { permissionship: 'has', missing: [], token: 't', cursor: 'c' } as const
    const client = await clientOf({
      lookupResources: async function* () {
        tries += 1
        if (tries === 1) throw new CardeaError('UNAVAILABLE', 'Not yet.')
        yield { ...found, resourceId: 'a' }
        throw new CardeaError('UNAVAILABLE', 'Not any more.')
      },
    })
    const ids: string[] = []
    const all = (async () => {
      const stream = client.lookupResources({
        resourceType: 'document',
        permission: 'view',
        subject: question.subject,
      })
      for await (const { resourceId } of stream) ids.push(resourceId)
    })()
    await expect(all).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'Not any more.' })
    expect(ids).toEqual(['a'])
    expect(tries).toBe(2)
  })

  test('a service that is not there is UNAVAILABLE, with its cause', async () => {
    const client = connect({ address: '127.0.0.1:1', presharedKey: key, maxRetries: 1 })
    closing.push(() => client.close())
    await expect(client.check(question)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('cannot be reached'),
    })
  })
})

describe('callers who leave', () => {
  test('leaving a loop ends the work of the service', async () => {
    let ended = false
    const client = await clientOf({
      lookupResources: async function* () {
        try {
          for (;;) {
            yield { resourceId: 'a', permissionship: 'has', missing: [], token: 't', cursor: 'c' }
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          ended = true
        }
      },
    })
    const stream = client.lookupResources({
      resourceType: 'document',
      permission: 'view',
      subject: question.subject,
    })
    for await (const _ of stream) break
    while (!ended) await new Promise((resolve) => setTimeout(resolve, 2))
  })

  test('without a deadline of its own a call ends after the time limit', async () => {
    const client = await clientOf({ check: () => new Promise(() => {}) }, { timeoutMs: 100 })
    await expect(client.check(question)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  test('an upload whose source fails is cancelled, and says why', async () => {
    let seen: unknown
    let received = 0
    const client = await clientOf({
      importRelationships: async (rows) => {
        try {
          for await (const batch of rows) received += batch.length
        } catch (error) {
          seen = error
          throw error
        }
        return { token: 't', count: 1 }
      },
    })
    async function* broken() {
      yield [parseRelationship('document:a#viewer@user:ann')]
      while (received === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      throw new Error('the file ended')
    }
    await expect(client.importRelationships(broken())).rejects.toThrow('the file ended')
    while (seen === undefined) await new Promise((resolve) => setTimeout(resolve, 2))
  })

  test('an upload that is refused stops sending', async () => {
    let sent = 0
    const client = await clientOf({
      importRelationships: async () => {
        throw new CardeaError('RELATIONSHIP_EXISTS', 'There already.')
      },
    })
    async function* endless() {
      for (;;) {
        sent += 1
        yield [parseRelationship('document:a#viewer@user:ann')]
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    await expect(client.importRelationships(endless())).rejects.toMatchObject({ code: 'RELATIONSHIP_EXISTS' })
    expect(sent).toBeLessThan(1000)
  })
})

describe('answers that must not be believed', () => {
  /** A server that answers with these bytes, whatever is asked. */
  async function lying(answer: Buffer) {
    const server = new Server()
    const path = '/authzed.api.v1.PermissionsService'
    const same = (bytes: Buffer) => bytes
    const method = (name: string) => ({
      path: `${path}/${name}`,
      requestStream: false as const,
      responseStream: false as const,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    })
    const reply = (_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, answer)
    server.addService(
      { check: method('CheckPermission'), bulk: method('CheckBulkPermissions') },
      { check: reply, bulk: reply },
    )
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    closing.push(() => server.forceShutdown())
    const client = connect({ address: `127.0.0.1:${port}`, presharedKey: key })
    closing.push(() => client.close())
    return client
  }
  const { checkPermission, checkBulkPermissions } = PermissionsService.method

  test.each([
    ['unspecified', 0],
    ['unknown', 9],
  ])('a permissionship that is %s', async (_name, permissionship) => {
    const client = await lying(
      encode(checkPermission.output, { checkedAt: { token: 't' }, permissionship: permissionship as never }),
    )
    await expect(client.check(question)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('one answer too few', async () => {
    const pair = { response: { case: 'item' as const, value: { permissionship: 2 as const } } }
    const client = await lying(
      encode(checkBulkPermissions.output, { checkedAt: { token: 't' }, pairs: [pair] }),
    )
    await expect(client.checkBulk([question, question])).rejects.toMatchObject({ code: 'INTERNAL' })
    expect((await client.checkBulk([question])).answers).toMatchObject([{ permissionship: 'has' }])
  })

  test('bytes that are no message', async () => {
    const client = await lying(Buffer.from([0xff, 0xff]))
    const failure = await client.check(question).catch((error) => error)
    expect(failure).toBeInstanceOf(CardeaError)
    expect(failure.code).not.toBe('INVALID_ARGUMENT')
  })
})

test('the codes of the service come back as they were', async () => {
  const client = await clientOf({
    check: async () => {
      throw new CardeaError('UNKNOWN_DEFINITION', 'No such type.', { definition_name: 'x' })
    },
  })
  await expect(client.check(question)).rejects.toMatchObject({
    code: 'UNKNOWN_DEFINITION',
    message: 'No such type.',
    facts: { definition_name: 'x' },
  })
  expect(status.FAILED_PRECONDITION).toBe(9)
})

describe('plain text', () => {
  test.each([
    'cardea.example:50051',
    '10.0.0.7:50051',
    '0.0.0.0:50051',
    '[2001:db8::1]:50051',
    'dns:///cardea.example:50051',
    'localhost.example:50051',
    '127.0.0.1.example:50051',
    'ipv4:127.0.0.1:50051,10.0.0.7:50051',
    '',
  ])('is refused to %j, and the error tells the cure', (address) => {
    const attempt = () => connect({ address, presharedKey: key })
    expect(attempt).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(attempt).toThrow(/allowPlaintext: true/)
    expect(attempt).not.toThrow(new RegExp(key))
  })

  test.each([
    '127.0.0.1:50051',
    '127.8.8.8:50051',
    'localhost:50051',
    'localhost',
    '[::1]:50051',
    '[::ffff:127.0.0.1]:50051',
    'dns:///localhost:50051',
    'dns:localhost:50051',
    'ipv4:127.0.0.1:50051',
    'unix:/run/cardea.sock',
  ])('stays on this machine at %s', async (address) => {
    await connect({ address, presharedKey: key }).close()
  })

  test('is allowed in words, and TLS needs no word', async () => {
    await connect({ address: 'cardea.example:50051', presharedKey: key, allowPlaintext: true }).close()
    await connect({ address: 'cardea.example:50051', presharedKey: key, tls: {} }).close()
  })

  test('on this machine takes no proxy', async () => {
    process.env.http_proxy = 'http://127.0.0.1:1'
    try {
      const client = await clientOf({ check: async () => yes })
      expect(await client.check(question)).toMatchObject(yes)
    } finally {
      delete process.env.http_proxy
    }
  })
})
