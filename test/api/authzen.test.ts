// AuthZEN 1.0: decisions, batches, searches and metadata, over the real service.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeId } from '../../src/model/encode-id.ts'
import { openService, type TestService } from './http-harness.ts'

const schema = `caveat soft_only(action_soft bool, resource_status string) {
  action_soft == true && resource_status == "open"
}

caveat at_office(place string) {
  place == "office"
}

definition user {}

definition group {
  relation member: user
}

definition record {
  relation reader: user | group#member | user:*
  relation owner: user
  relation soft_owner: user with soft_only
  relation visitor: user with at_office
  relation banned: user
  permission read = reader + owner - banned
  permission write = owner
  permission delete = owner + soft_owner
  permission enter = visitor
}`

const mail = encodeId('bob@example.com')

let service: TestService
beforeAll(async () => {
  service = await openService({
    schema,
    relationships: [
      'record:r1#owner@user:alice',
      'record:r1#reader@group:staff#member',
      `group:staff#member@user:${mail}`,
      'group:staff#member@user:cleo',
      'record:r1#soft_owner@user:cleo[soft_only]',
      'record:r1#visitor@user:cleo[at_office]',
      `record:${encodeId('/files/ü 1')}#owner@user:alice`,
      'record:public#reader@user:*',
      'record:public#banned@user:cleo',
      ...Array.from({ length: 25 }, (_, at) => `record:many${String(at).padStart(2, '0')}#owner@user:dora`),
    ],
    http: { actions: { GET: 'read', PUT: 'write' }, publicUrl: 'https://pdp.example.com/' },
  })
})
afterAll(() => service.close())

const subject = (id: string, properties?: object) => ({ type: 'user', id, properties })
const record = (id: string, properties?: object) => ({ type: 'record', id, properties })
const action = (name: string, properties?: object) => ({ name, properties })

async function ask(path: string, body: unknown, headers = {}) {
  const response = await service.post(`/access/v1/${path}`, body, headers)
  return { status: response.status, headers: response.headers, body: (await response.json()) as never }
}
const evaluate = async (body: unknown) => {
  const { status, body: decision } = await ask('evaluation', body)
  expect(status).toBe(200)
  return decision as { decision: boolean; context?: object }
}

describe('evaluation', () => {
  test.each([
    ['alice', 'r1', 'write', true],
    ['bob@example.com', 'r1', 'read', true],
    ['bob@example.com', 'r1', 'write', false],
    ['alice', '/files/ü 1', 'read', true],
    ['alice', '/files/ü 2', 'read', false],
    ['nobody', 'public', 'read', true],
    ['cleo', 'public', 'read', false],
    ['alice', 'r1', 'GET', true],
    ['cleo', 'r1', 'PUT', false],
  ])('%s on %s: %s is %s', async (user, id, name, decision) => {
    expect(await evaluate({ subject: subject(user), resource: record(id), action: action(name) })).toEqual({
      decision,
    })
  })

  test('names that no schema has are a no, told why', async () => {
    for (const request of [
      { subject: subject('alice'), resource: { type: 'Folder', id: 'x' }, action: action('read') },
      { subject: subject('alice'), resource: { type: 'folder', id: 'x' }, action: action('read') },
      { subject: subject('alice'), resource: record('r1'), action: action('tools/call') },
      { subject: subject('x'.repeat(2000)), resource: record('r1'), action: action('read') },
    ])
      expect(await evaluate(request)).toEqual({
        decision: false,
        context: { reason: 'unknown_type_or_action' },
      })
  })

  test('an id cannot smuggle a userset or a wildcard', async () => {
    for (const id of ['*', 'staff#member', 'alice#...'])
      expect(
        await evaluate({ subject: subject(id), resource: record('r1'), action: action('read') }),
      ).toEqual({
        decision: false,
      })
  })

  test('properties and context feed caveats; a conditional answer is a no that names what is missing', async () => {
    const request = { subject: subject('cleo'), resource: record('r1'), action: action('delete') }
    expect(await evaluate(request)).toEqual({
      decision: false,
      context: { reason: 'missing_context', missing: ['action_soft', 'resource_status'] },
    })
    const soft = {
      ...request,
      action: action('delete', { soft: true }),
      resource: record('r1', { status: 'open' }),
    }
    expect(await evaluate(soft)).toEqual({ decision: true })
    expect(await evaluate({ ...soft, context: { action_soft: false } })).toEqual({ decision: false })
    const visit = { ...request, action: action('enter') }
    expect(await evaluate({ ...visit, context: { place: 'office' } })).toEqual({ decision: true })
    expect(await evaluate({ ...visit, context: { place: 'home' } })).toEqual({ decision: false })
  })

  test('unknown members are ignored, order does not matter, nulls are absent', async () => {
    const request = `{"zz": 1, "action": {"x": 2, "name": "write"}, "context": null,
      "resource": {"id": "r1", "type": "record", "properties": null}, "subject": {"id": "alice", "type": "user"}}`
    expect(await evaluate(request)).toEqual({ decision: true })
  })

  test.each([
    ['no subject', { resource: record('r1'), action: action('read') }],
    ['a subject that is a text', { subject: 'alice', resource: record('r1'), action: action('read') }],
    ['no resource id', { subject: subject('alice'), resource: { type: 'record' }, action: action('read') }],
    ['an empty id', { subject: subject(''), resource: record('r1'), action: action('read') }],
    ['a name that is a number', { subject: subject('alice'), resource: record('r1'), action: { name: 7 } }],
    [
      'a context that is an array',
      { subject: subject('alice'), resource: record('r1'), action: action('read'), context: [] },
    ],
    ['not JSON', '{'],
    ['a body nested too deep', `{"context": ${'['.repeat(200_000)}`],
    ['an empty body', ''],
    ['an array', '[]'],
    [
      'a member named __proto__',
      '{"subject": {"type": "user", "id": "alice", "__proto__": {}}, "resource": {}, "action": {}}',
    ],
  ])('400: %s', async (_name, body) => {
    const { status, body: refused } = await ask('evaluation', body)
    expect(status).toBe(400)
    expect((refused as { message: string }).message).not.toBe('')
  })

  test('400 for another content type; 401 and 403 for keys', async () => {
    expect((await ask('evaluation', '{}', { 'content-type': 'text/plain' })).status).toBe(400)
    const missing = await ask('evaluation', '{}', { authorization: '' })
    expect(missing.status).toBe(401)
    expect(missing.headers.get('www-authenticate')).toBe('Bearer')
    expect((await ask('evaluation', '{}', { authorization: 'Bearer wrong' })).status).toBe(403)
  })

  test('the request id comes back', async () => {
    const body = { subject: subject('alice'), resource: record('r1'), action: action('read') }
    expect((await ask('evaluation', body, { 'x-request-id': 'pep-1' })).headers.get('x-request-id')).toBe(
      'pep-1',
    )
    expect((await ask('evaluation', body)).headers.get('x-request-id')).not.toBe('')
  })
})

describe('evaluations', () => {
  const defaults = { subject: subject('alice'), action: action('write'), resource: record('r1') }
  const cleo = { subject: subject('cleo') }
  const decisionsOf = async (body: object) => {
    const { status, body: answer } = await ask('evaluations', body)
    expect(status).toBe(200)
    expect(answer).not.toHaveProperty('decision')
    return (answer as { evaluations: { decision: boolean; context?: object }[] }).evaluations
  }

  test('without items it is a single evaluation', async () => {
    expect((await ask('evaluations', defaults)).body).toEqual({ decision: true })
    expect((await ask('evaluations', { ...defaults, evaluations: [] })).body).toEqual({ decision: true })
  })

  test('items inherit whole members and keep their order', async () => {
    const decisions = await decisionsOf({
      ...defaults,
      evaluations: [{}, cleo, { resource: record('r2') }, { ...cleo, action: action('read') }],
    })
    expect(decisions.map(({ decision }) => decision)).toEqual([true, false, false, true])
  })

  test('an item does not inherit parts of a member', async () => {
    const decisions = await decisionsOf({ ...defaults, evaluations: [{ subject: { id: 'alice' } }, {}] })
    expect(decisions[0]).toMatchObject({ decision: false, context: { error: { status: 400 } } })
    expect(decisions[1]).toEqual({ decision: true })
  })

  test('an item that lacks an entity is a no of its own', async () => {
    const decisions = await decisionsOf({
      subject: subject('alice'),
      action: action('write'),
      evaluations: [{ resource: record('r1') }, {}, 'nonsense'],
    })
    expect(decisions.map(({ decision }) => decision)).toEqual([true, false, false])
    expect(decisions[1]!.context).toMatchObject({
      error: { status: 400, message: expect.stringContaining('resource') },
    })
  })

  test.each([
    ['execute_all', [true, false, true]],
    ['deny_on_first_deny', [true, false]],
    ['permit_on_first_permit', [true]],
  ])('%s', async (semantic, expected) => {
    const decisions = await decisionsOf({
      ...defaults,
      evaluations: [{}, cleo, {}],
      options: { evaluations_semantic: semantic, another: 1 },
    })
    expect(decisions.map(({ decision }) => decision)).toEqual(expected)
  })

  test('an unknown semantic and malformed evaluations are refused', async () => {
    expect(
      (await ask('evaluations', { ...defaults, evaluations: [{}], options: { evaluations_semantic: 'any' } }))
        .status,
    ).toBe(400)
    expect((await ask('evaluations', { ...defaults, evaluations: {} })).status).toBe(400)
    expect((await ask('evaluations', { subject: subject('alice') })).status).toBe(400)
  })
})

type Found = {
  results: { type?: string; id?: string; name?: string }[]
  page?: { next_token: string; count: number }
  context?: object
}
const search = async (kind: string, body: object): Promise<Found> => {
  const { status, body: found } = await ask(`search/${kind}`, body)
  expect(status).toBe(200)
  return found
}

describe('searches', () => {
  test('subjects, through groups, with their ids as they were', async () => {
    const found = await search('subject', {
      subject: { type: 'user', id: 'ignored' },
      action: action('read'),
      resource: record('r1'),
    })
    expect(found.results.map(({ id }) => id).sort()).toEqual(['alice', 'bob@example.com', 'cleo'])
    expect(found.results.every(({ type }) => type === 'user')).toBe(true)
    for (const { id } of found.results)
      expect(
        (await evaluate({ subject: subject(id!), resource: record('r1'), action: action('read') })).decision,
      ).toBe(true)
  })

  test('public access is told, not listed', async () => {
    expect(
      await search('subject', {
        subject: { type: 'user' },
        action: action('read'),
        resource: record('public'),
      }),
    ).toEqual({
      results: [],
      context: { everyone: true, except: ['cleo'] },
    })
  })

  test('resources, those that are open to everyone among them', async () => {
    const found = await search('resource', {
      subject: subject('alice'),
      action: action('GET'),
      resource: { type: 'record' },
    })
    expect(found.results.map(({ id }) => id).sort()).toEqual(['/files/ü 1', 'public', 'r1'])
  })

  test('actions are permissions, by the names of the table', async () => {
    const found = await search('action', { subject: subject('alice'), resource: record('r1') })
    expect(found.results.map(({ name }) => name).sort()).toEqual(['GET', 'PUT', 'delete'])
    expect((await search('action', { subject: subject('alice'), resource: record('r9') })).results).toEqual(
      [],
    )
  })

  test('conditional answers are not found', async () => {
    const asked = { subject: { type: 'user' }, action: action('delete'), resource: record('r1') }
    expect((await search('subject', asked)).results).toEqual([{ type: 'user', id: 'alice' }])
    const soft = { ...asked, context: { action_soft: true, resource_status: 'open' } }
    expect((await search('subject', soft)).results.map(({ id }) => id).sort()).toEqual(['alice', 'cleo'])
  })

  test('unknown names have no results', async () => {
    const nothing = { results: [] }
    expect(
      await search('resource', {
        subject: subject('alice'),
        action: action('fly'),
        resource: { type: 'record' },
      }),
    ).toEqual(nothing)
    expect(
      await search('resource', {
        subject: subject('alice'),
        action: action('read'),
        resource: { type: 'folder' },
      }),
    ).toEqual(nothing)
    expect(
      await search('subject', { subject: { type: 'robot' }, action: action('read'), resource: record('r1') }),
    ).toEqual(nothing)
    expect(
      await search('action', { subject: subject('alice'), resource: { type: 'folder', id: 'x' } }),
    ).toEqual(nothing)
    expect(
      await search('resource', {
        subject: subject('ghost'),
        action: action('write'),
        resource: { type: 'record' },
      }),
    ).toEqual(nothing)
  })

  test.each([
    ['subject', { subject: {}, action: action('read'), resource: record('r1') }],
    ['subject', { subject: { type: 'user' }, action: action('read'), resource: { type: 'record' } }],
    ['resource', { subject: { type: 'user' }, action: action('read'), resource: { type: 'record' } }],
    ['resource', { subject: subject('alice'), resource: { type: 'record' } }],
    ['action', { subject: subject('alice'), resource: { type: 'record' } }],
  ])('400 for %s search: %j', async (kind, body) => {
    expect((await ask(`search/${kind}`, body)).status).toBe(400)
  })

  test.each([1, 7, 24, 25, 26, 5000])('pages of %d give what one list gives', async (limit) => {
    const asked = { subject: subject('dora'), action: action('write'), resource: { type: 'record' } }
    const whole = await search('resource', asked)
    expect(whole.page).toBeUndefined()
    expect(whole.results).toHaveLength(25)
    const gathered: string[] = []
    let token: string | undefined
    let pages = 0
    do {
      const page = token === undefined ? { limit } : pages % 2 === 0 ? { token } : { token, limit }
      const found = await search('resource', { ...asked, page })
      gathered.push(...found.results.map(({ id }) => id!))
      expect(found.page!.count).toBe(found.results.length)
      token = found.page!.next_token
      pages += 1
    } while (token !== '')
    expect(gathered).toEqual(whole.results.map(({ id }) => id))
    expect(pages).toBeLessThanOrEqual(Math.ceil(25 / limit) + 1)
  })

  test('a caller that asks for no page gets ten thousand results and a token for the rest', async () => {
    async function* rows() {
      for (let at = 0; at < 11_000; at += 1000)
        yield Array.from({ length: 1000 }, (_, n) => ({
          resource: { type: 'record', id: `mass${at + n}` },
          relation: 'owner',
          subject: { type: 'user', id: 'hugo', relation: '' },
        }))
    }
    await service.authorizer.importRelationships(rows())
    const request = { subject: subject('hugo'), action: action('write'), resource: { type: 'record' } }
    const found = new Set<string>()
    const counts: number[] = []
    for (let token: string | undefined; token !== ''; ) {
      const { status, body } = await ask('search/resource', { ...request, ...(token && { page: { token } }) })
      expect(status).toBe(200)
      const { page, results } = body as { page: { next_token: string }; results: { id: string }[] }
      counts.push(results.length)
      for (const { id } of results) found.add(id)
      token = page.next_token
    }
    expect(counts).toEqual([10_000, 1000])
    expect(found.size).toBe(11_000)
  })

  test('a token is bound to its request', async () => {
    const asked = { subject: subject('dora'), action: action('write'), resource: { type: 'record' } }
    const { page } = await search('resource', { ...asked, page: { limit: 5 } })
    const token = page!.next_token
    for (const changed of [
      { ...asked, page: { token, limit: 6 } },
      { ...asked, subject: subject('alice'), page: { token } },
      { ...asked, context: { a: 1 }, page: { token } },
      { ...asked, page: { token: `${token.slice(0, -4)}AAAA` } },
      { ...asked, page: { token: 'garbage' } },
      { ...asked, page: { limit: -1 } },
      { ...asked, page: { limit: '5' } },
    ])
      expect((await ask('search/resource', changed)).status).toBe(400)
  })
})

test('the metadata document names every call under the configured address, whatever the Host header says', async () => {
  const response = await fetch(`${service.url}/.well-known/authzen-configuration`, {
    headers: { 'x-forwarded-host': 'evil.example' },
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('application/json')
  expect(await response.json()).toEqual({
    policy_decision_point: 'https://pdp.example.com',
    access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
    access_evaluations_endpoint: 'https://pdp.example.com/access/v1/evaluations',
    search_subject_endpoint: 'https://pdp.example.com/access/v1/search/subject',
    search_resource_endpoint: 'https://pdp.example.com/access/v1/search/resource',
    search_action_endpoint: 'https://pdp.example.com/access/v1/search/action',
  })
})
