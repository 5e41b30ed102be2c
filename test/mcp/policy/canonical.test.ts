// Aliases of one file or URI give one canonical form; whatever could be read in two ways gives none.

import { expect, test } from 'vitest'
import { canonicalPath } from '../../../src/mcp/policy/canonical-path.ts'
import { canonicalUri } from '../../../src/mcp/policy/canonical-uri.ts'
import { compileUriTemplate } from '../../../src/mcp/policy/uri-template.ts'

const roots = ['/srv/docs', '/srv/more']

test.each([
  ['/srv/docs/a.md', '/srv/docs/a.md'],
  ['a.md', '/srv/docs/a.md'],
  ['./x/../a.md', '/srv/docs/a.md'],
  ['/srv/docs//a.md/', '/srv/docs/a.md'],
  ['/srv/docs', '/srv/docs'],
  ['../more/b', '/srv/more/b'],
  ['100% sure', '/srv/docs/100% sure'],
])('%s is %s', (path, canonical) => {
  expect(canonicalPath(path, roots)).toBe(canonical)
})

test.each([
  '/etc/passwd',
  '../../etc/passwd',
  '/srv/docs/../../etc/passwd',
  '/srv/docsx/a',
  '/srv/docs/a\0.md',
  '/srv/docs/a\nb',
  '~/a',
  'a~1',
  'a\\b',
  '%2e%2e/x',
  'a%252fb',
  '',
])('%j is nothing', (path) => {
  expect(canonicalPath(path, roots)).toBeUndefined()
})

test('links are followed, also of what does not exist yet', () => {
  const links: Record<string, string | undefined> = {
    '/srv/docs': '/data/docs',
    '/srv/more': '/data/more',
    '/srv/docs/in': '/data/docs/real',
    '/srv/docs/out': '/etc',
  }
  const real = (path: string) => {
    if (path === '/srv/docs/dangling') throw new Error('leads nowhere')
    return links[path]
  }
  expect(canonicalPath('in', roots, real)).toBe('/data/docs/real')
  expect(canonicalPath('in/new.md', roots, real)).toBe('/data/docs/real/new.md')
  expect(canonicalPath('out/passwd', roots, real)).toBeUndefined()
  expect(canonicalPath('dangling', roots, real)).toBeUndefined()
})

test.each([
  ['HTTPS://Example.COM:443/a/../b/%7Euser', 'https://example.com/b/~user'],
  ['https://example.com', 'https://example.com/'],
  ['note://Internal/%61%c3%a9', 'note://internal/a%C3%A9'],
  ['file:///srv/./docs/x', 'file:///srv/docs/x'],
  ['https://[::1]:8080/?q=%2a', 'https://[::1]:8080/?q=%2A'],
])('%s is %s', (uri, canonical) => {
  expect(canonicalUri(uri)).toBe(canonical)
})

test.each([
  'a.md',
  'https://user:pw@example.com/',
  'https://example.com/#x',
  'https://example.com/a%2Fb',
  'https://example.com/%252e%252e/',
  'https://example.com/a%00',
  'https://example.com/a\\b',
  'https://example.com/é',
  'https://example.com/a b',
  'https://example.com/%zz',
])('%j has no canonical form', (uri) => {
  expect(canonicalUri(uri)).toBeUndefined()
})

test('URI templates match whole URIs', () => {
  const template = compileUriTemplate('file:///{+path}')
  if (typeof template === 'string') throw new Error(template)
  expect(template.match('file:///a/b.md')).toEqual({ path: 'a/b.md' })
  expect(template.match('file:///')).toBeUndefined()
  expect(template.match('xfile:///a')).toBeUndefined()
  expect(template.match('file:///a\nb')).toBeUndefined()
  const two = compileUriTemplate('note://{owner}/n-{id}')
  if (typeof two === 'string') throw new Error(two)
  expect(two.match('note://ann/n-7')).toEqual({ owner: 'ann', id: '7' })
  expect(two.match('note://ann/n-7/x')).toBeUndefined()
  expect(two.fill({ owner: 'bob', id: '8' })).toBe('note://bob/n-8')
})
