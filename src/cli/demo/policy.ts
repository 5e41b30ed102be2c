// The demo's policy: which document each argument and each result of a tool is.

import type { Policy } from '../../mcp/policy/policy.ts'

/** Scopes that the demo's tools ask for. What a scope cannot say is which documents. */
export const demoScopes = { read: 'docs.read', write: 'docs.write' } as const

/** The policy of the documents server at `resource`, for tokens of `issuer` on this machine. */
export function demoPolicy(resource: string, issuer: string): Policy {
  return {
    resource,
    issuers: [
      {
        issuer,
        network: 'loopback',
        user_when: 'claims.sub != claims.client_id',
        subject: 'user:{claims.sub}',
        agent: ['agent:client/{claims.client_id}'],
      },
    ],
    trust_on_first_use: true,
    tools: {
      search_documents: {
        effect: 'read',
        scopes: [demoScopes.read],
        unchecked: ['query', 'limit'],
        result: [
          { items: '$.results[*]', all: ['document:{item.id}#view'] },
          { set: { '$.total': 'count' } },
        ],
        text: 'mirror',
      },
      read_document: {
        effect: 'read',
        scopes: [demoScopes.read],
        arguments: [{ at: '$.id', all: ['document:{value}#view'] }],
        result: 'whole',
      },
      list_folder: {
        effect: 'read',
        scopes: [demoScopes.read],
        arguments: [{ at: '$.folder', all: ['folder:{+value}#view'] }],
        result: [{ lines: '(?<id>[a-z0-9-]+)  .+', all: ['document:{match.id}#view'] }],
      },
      delete_document: {
        scopes: [demoScopes.write],
        arguments: [{ at: '$.id', all: ['document:{value}#delete'] }],
        result: { fixed: 'deleted' },
      },
    },
  }
}
