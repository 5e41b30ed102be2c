// Arguments: every one is checked or named, what is checked is what is forwarded, and doubt denies.

import { expect, test } from 'vitest'
import type { ToolRule } from '../../../src/mcp/policy/policy.ts'
import { alice, call } from './planning.ts'

const read: ToolRule = {
  arguments: [{ at: '$.id', all: ['document:{value}#view'] }],
  unchecked: ['limit'],
  result: 'whole',
}

test('a granted argument is forwarded, a denied one is not', () => {
  expect(call(read, { id: 'a', limit: 3 }, ['document:a#view'])).toEqual({
    asks: ['document:a#view'],
    args: { id: 'a', limit: 3 },
  })
  expect(call(read, { id: 'b' }, ['document:a#view']).denied).toBeDefined()
})

test.each([
  ['a missing argument', {}],
  ['no arguments', undefined],
  ['a list of arguments', ['a']],
  ['null', { id: null }],
  ['a list where an id should be', { id: ['a'] }],
  ['an object where an id should be', { id: { id: 'a' } }],
  ['a float', { id: 1.5 }],
  ['an unsafe integer', { id: 2 ** 60 }],
  ['an empty id', { id: '' }],
  ['an argument nobody named', { id: 'a', extra: 1 }],
  ['an empty argument nobody named', { id: 'a', extra: {} }],
  ['another case of a key', { id: 'a', ID: 'b' }],
  ['__proto__', JSON.parse('{"id":"a","__proto__":{"x":1}}')],
  ['an id that is too long', { id: 'a'.repeat(1025) }],
])('%s closes the call', (_, args) => {
  const outcome = call(read, args, ['document:a#view'])
  expect(outcome.args).toBeUndefined()
  expect(outcome.denied).toBeTypeOf('string')
})

test('a wildcard as an id is text', () => {
  expect(call(read, { id: '*' }, []).asks).toEqual(['document:=2A#view'])
})

test('an optional argument may be missing, not wrong', () => {
  const rule: ToolRule = {
    arguments: [{ at: '$.id', optional: true, all: ['document:{value}#view'] }],
    result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }],
  }
  expect(call(rule, {}, []).args).toEqual({})
  expect(call(rule, { id: 'b' }, []).denied).toBeDefined()
})

test('nested arguments are covered leaf by leaf', () => {
  const rule: ToolRule = {
    arguments: [{ at: '$.filter.folder', all: ['folder:{value}#view'] }],
    unchecked: ['$.filter.query'],
    result: 'whole',
  }
  const grants = ['folder:f#view']
  expect(call(rule, { filter: { folder: 'f', query: 'x' } }, grants).args).toBeDefined()
  expect(call(rule, { filter: { folder: 'f', owner: 'bob' } }, grants).denied).toMatch(/\$\.filter\.owner/)
  expect(call(rule, { filter: { folder: 'f' }, other: 1 }, grants).denied).toMatch(/\$\.other/)
})

test('denied values are dropped from the call itself', () => {
  const rule: ToolRule = {
    effect: 'read',
    arguments: [{ at: '$.paths[*]', as: 'path', all: ['file:{+value}#read'], denied: 'drop' }],
    result: 'whole',
  }
  const rest = { root: '/srv', symlinks: 'trusted' } as const
  const outcome = call(rule, { paths: ['/srv/a', '/srv/x/../b', 'c'] }, ['file:/srv/b#read'], rest)
  expect(outcome.asks).toEqual(['file:/srv/a#read', 'file:/srv/b#read', 'file:/srv/c#read'])
  expect(outcome.args).toEqual({ paths: ['/srv/b'] })
  expect(call(rule, { paths: ['/srv/a'] }, [], rest).denied).toBeDefined()
  expect(call(rule, { paths: [] }, [], rest).denied).toBeDefined()
  expect(call(rule, { paths: ['/srv/b', '/etc/passwd'] }, ['file:/srv/b#read'], rest).denied).toBeDefined()
})

test('what is checked is what is forwarded', () => {
  const rule: ToolRule = {
    arguments: [
      { at: '$.source', as: 'path', all: ['file:{+value}#delete'] },
      { at: '$.destination', as: 'path', let: { dir: '{+value|dirname}' }, all: ['folder:{+dir}#create'] },
    ],
    result: { fixed: 'moved' },
  }
  const outcome = call(
    rule,
    { source: './a//b', destination: '/srv/c/d.md/' },
    ['file:/srv/a/b#delete', 'folder:/srv/c#create'],
    {
      root: '/srv',
      symlinks: 'trusted',
    },
  )
  expect(outcome.args).toEqual({ source: '/srv/a/b', destination: '/srv/c/d.md' })
})

test('whole-call questions come first and need an agent', () => {
  const also = ['user:{subject.id}#act_as@{agent}']
  const outcome = call(read, { id: 'a' }, ['document:a#view', 'user:alice#act_as@agent:client/one/app'], {
    also,
  })
  expect(outcome.asks).toEqual(['user:alice#act_as@agent:client/one/app', 'document:a#view'])
  expect(outcome.args).toEqual({ id: 'a' })
  expect(call(read, { id: 'a' }, ['document:a#view'], { also }).denied).toBeDefined()
  const { agentRef, ...alone } = alice
  expect(agentRef).toBeDefined()
  expect(call(read, { id: 'a' }, ['document:a#view'], { also }, { principal: alone }).denied).toMatch(
    /names no agent/,
  )
})

test('cases, match and claims', () => {
  const rule: ToolRule = {
    arguments: [
      {
        at: '$.ref',
        match: '(?<kind>doc|note)-(?<id>[a-z]+)',
        all: ['tenant/document:{claims.tenant}/{match.kind}/{match.id}#view'],
      },
    ],
    result: 'whole',
  }
  expect(call(rule, { ref: 'doc-x' }, []).asks).toEqual(['tenant/document:acme/doc/x#view'])
  expect(call(rule, { ref: 'doc-x\n' }, []).denied).toMatch(/match/)
  expect(call(rule, { ref: 'img-x' }, []).denied).toMatch(/match/)
})

test('context comes from named sources only', () => {
  const rest = {
    context: { ip: 'request.ip', level: 'claims.level', amount: { from: 'args.limit', untrusted: true } },
  } as const
  const setting = { request: { ip: '10.0.0.1' } }
  expect(call(read, { id: 'a', limit: 7 }, ['document:a#view'], rest, setting).args).toBeDefined()
})
