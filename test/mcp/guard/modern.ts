// The paths of revision 2026-07-28, request by request: shared by the tests at the handler and over HTTP.

const prefix = 'io.modelcontextprotocol/'

/** One request as a client of that revision sends it. */
export function modernRequest(
  method: string,
  params: Record<string, unknown> = {},
  id = 1,
): { readonly headers: Record<string, string>; readonly body: string } {
  const _meta = {
    [`${prefix}protocolVersion`]: '2026-07-28',
    [`${prefix}clientCapabilities`]: { elicitation: {}, sampling: {} },
    [`${prefix}clientInfo`]: { name: 'test', version: '1' },
    [`${prefix}logLevel`]: 'debug',
    'vendor/secret': 'META',
    ...(params._meta as object),
  }
  const named = params.name ?? params.uri ?? params.taskId
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof named === 'string' && { 'mcp-name': named }),
  }
  return { headers, body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }) }
}

const note = { id: 'secret' }

/** Paths whose canary is for whoever may see the note. */
export const modernPaths: Record<
  string,
  { canary: string; method: string; params?: Record<string, unknown> }
> = {
  'tools/call structured': {
    canary: 'CANARY-tools-call-structured',
    method: 'tools/call',
    params: { name: 'search', arguments: {} },
  },
  'tools/call text': {
    canary: 'CANARY-tools-call-text',
    method: 'tools/call',
    params: { name: 'read', arguments: note },
  },
  'tools/call lines': {
    canary: 'CANARY-tools-call-lines',
    method: 'tools/call',
    params: { name: 'list', arguments: {} },
  },
  'resource links': {
    canary: 'CANARY-resource-link',
    method: 'tools/call',
    params: { name: 'links', arguments: {} },
  },
  'embedded resources': {
    canary: 'CANARY-embedded-resource',
    method: 'tools/call',
    params: { name: 'links', arguments: {} },
  },
  progress: {
    canary: 'CANARY-progress',
    method: 'tools/call',
    params: { name: 'work', arguments: note, _meta: { progressToken: 7 } },
  },
  logs: { canary: 'CANARY-log', method: 'tools/call', params: { name: 'work', arguments: note } },
  'input required': {
    canary: 'CANARY-elicitation',
    method: 'tools/call',
    params: { name: 'ask', arguments: note },
  },
  'resources/list': { canary: 'CANARY-resources-list', method: 'resources/list' },
  'resources/read': {
    canary: 'CANARY-resources-read"',
    method: 'resources/read',
    params: { uri: 'note://secret' },
  },
  'resources/read of other URIs': {
    canary: 'CANARY-resources-read-other',
    method: 'resources/read',
    params: { uri: 'note://all' },
  },
  'prompts/get': {
    canary: 'CANARY-prompts-get',
    method: 'prompts/get',
    params: { name: 'summary', arguments: note },
  },
  completion: {
    canary: '"secret"',
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'summary' }, argument: { name: 'id', value: '' } },
  },
}

/** Things that nobody gets, since no rule covers them: method, canary, parameters. */
export const modernNobody: readonly [string, string, Record<string, unknown>?][] = [
  ['server/discover', 'CANARY-instructions'],
  ['tools/list', 'CANARY-tools-list'],
  ['prompts/list', 'CANARY-prompts-list'],
  ['resources/templates/list', 'CANARY-templates-list'],
  ['resources/list', 'CANARY-unmapped-resource'],
  ['resources/read', 'CANARY-unmapped-resource-text', { uri: 'other://x' }],
  ['tools/call', 'CANARY-hidden', { name: 'hidden', arguments: {} }],
  ['tools/call', 'CANARY-thrown', { name: 'fail', arguments: { id: 'open' } }],
  ['tools/call', 'CANARY-meta', { name: 'read', arguments: { id: 'open' } }],
  ['tools/call', 'CANARY-image', { name: 'links', arguments: {} }],
  ['prompts/get', 'CANARY-prompts-hidden', { name: 'hidden' }],
  ['tools/call', 'CANARY-state', { name: 'ask', arguments: { id: 'open' } }],
]
