// AuthZEN 1.0 over HTTP: the five access calls and the metadata document.

import type { HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Authorizer } from '../../../authorizer/authorizer.ts'
import type { JsonObject } from '../../../model/context.ts'
import { CardeaError } from '../../../model/errors.ts'
import type { Call } from '../../call.ts'
import type { Door } from '../../door.ts'
import { refusal, throughDoor } from '../http-door.ts'
import { BodyRefused, readBody } from '../request-body.ts'
import { type ActionTable, actionTable } from './entities.ts'
import { evaluate, evaluateAll } from './evaluation.ts'
import { searchActions, searchResources, searchSubjects } from './search.ts'

export interface AuthzenOptions {
  /** `https://host` under which others reach the service: the identifier of the decision point. */
  readonly publicUrl: string
  /** Permissions by the names that callers give to actions, such as `GET`. */
  readonly actions?: { readonly [action: string]: string } | undefined
}

type Access = (
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
) => Promise<object>

/** Path and metadata parameter of each call (Authorization API 1.0, section 9). */
const calls: readonly { readonly path: string; readonly parameter: string; readonly access: Access }[] = [
  { path: '/access/v1/evaluation', parameter: 'access_evaluation_endpoint', access: evaluate },
  { path: '/access/v1/evaluations', parameter: 'access_evaluations_endpoint', access: evaluateAll },
  { path: '/access/v1/search/subject', parameter: 'search_subject_endpoint', access: searchSubjects },
  { path: '/access/v1/search/resource', parameter: 'search_resource_endpoint', access: searchResources },
  { path: '/access/v1/search/action', parameter: 'search_action_endpoint', access: searchActions },
]

export const authzenMetadataPath = '/.well-known/authzen-configuration'

/** Adds the calls, which need a key, and the metadata, which does not. URLs never come from a request's headers. */
export function addAuthzen(
  app: Hono<{ Bindings: HttpBindings }>,
  door: Door,
  authorizer: Authorizer,
  options: AuthzenOptions,
): void {
  const actions = actionTable(options.actions)
  const base = options.publicUrl.replace(/\/+$/, '')
  const metadata: Record<string, unknown> = { policy_decision_point: base }
  for (const { path, parameter } of calls) metadata[parameter] = `${base}${path}`
  app.get(authzenMetadataPath, (context) => context.json(metadata))
  for (const { path, access } of calls) {
    const route = {
      name: path,
      path,
      readOnly: true,
      kind: path.includes('/search/') ? 'stream' : 'call',
    } as const
    app.post(path, (context) =>
      throughDoor(door, route, context, async (call) => {
        try {
          const request = parse(await readBody(context, door.limits.maxMessageBytes))
          return Response.json(await access(authorizer, actions, request, call))
        } catch (thrown) {
          if (thrown instanceof BodyRefused) return refusal(400, thrown.message)
          throw thrown
        }
      }),
    )
  }
}

/** Deepest nesting of a body, as deep as the API's own messages may be. */
const maxNesting = 100

function nestsTooDeep(json: string): boolean {
  let depth = 0
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    if (depth > maxNesting) return true
  }
  return false
}

/** A JSON object whose members are all its own: one named `__proto__` is refused. */
function parse(body: string): JsonObject {
  if (nestsTooDeep(body))
    throw new CardeaError('INVALID_ARGUMENT', `The body nests deeper than ${maxNesting} levels.`)
  let value: unknown
  try {
    value = JSON.parse(body, (key, member) => {
      if (key === '__proto__') throw new Error('a member is named __proto__')
      return member
    })
  } catch (cause) {
    throw new CardeaError('INVALID_ARGUMENT', `The body is not JSON: ${(cause as Error).message}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CardeaError('INVALID_ARGUMENT', 'The body must be a JSON object.')
  return value as JsonObject
}
