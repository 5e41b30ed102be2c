// What AuthZEN needs to know: under which URL others reach the service, and what its callers call permissions.

import { CardeaError } from '../model/errors.ts'
import { isValidRelation } from '../model/reference.ts'

/** `https://host[:port][/path]`, as the metadata document publishes it; CONFIG_INVALID otherwise. */
export function parsePublicUrl(text: string): string {
  const fail = (problem: string) =>
    new CardeaError('CONFIG_INVALID', `--public-url ${JSON.stringify(text)} ${problem}.`)
  if (!URL.canParse(text)) throw fail('is not a URL, such as https://authz.example.com')
  const { protocol, search, hash, username, password, href } = new URL(text)
  // Not repeated: it may be a real one.
  if (username !== '' || password !== '')
    throw new CardeaError('CONFIG_INVALID', '--public-url must not hold a user name or a password.')
  if (protocol !== 'https:' && protocol !== 'http:') throw fail('must begin with https://')
  if (search !== '' || hash !== '' || text.includes('?') || text.includes('#'))
    throw fail('must have neither a query nor a fragment')
  return href.replace(/\/+$/, '')
}

/** `GET=view,PUT=edit`: permissions by the names that callers give to actions. CONFIG_INVALID names the entry. */
export function parseActions(text: string): { readonly [action: string]: string } {
  const actions = new Map<string, string>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    const at = entry.lastIndexOf('=')
    const action = entry.slice(0, Math.max(at, 0)).trim()
    const permission = entry.slice(at + 1).trim()
    const fail = (problem: string) =>
      new CardeaError('CONFIG_INVALID', `--authzen-actions: ${JSON.stringify(entry)} ${problem}.`)
    if (at < 0 || action === '') throw fail('is not action=permission, such as GET=view')
    if (!isValidRelation(permission))
      throw fail(`names ${JSON.stringify(permission)}, which no permission can be called`)
    if (actions.has(action)) throw fail('names an action that has a permission already')
    actions.set(action, permission)
  }
  return Object.fromEntries(actions)
}
