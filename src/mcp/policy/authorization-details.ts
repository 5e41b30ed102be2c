// Authorization details (RFC 9396): what a token was asked for in so many words. They narrow what relationships grant and never widen it.

import type { JsonValue } from '../../model/context.ts'
import { isValidType } from '../../model/reference.ts'
import type { Principal } from '../principal.ts'
import { isJsonObject } from './json-object.ts'
import type { JsonPath } from './json-path.ts'
import { type Loading, loadPath, variables } from './load-demand.ts'
import type { Policy } from './policy.ts'
import { Scope } from './scope.ts'
import { compileObject, fillTemplate, type Template } from './template.ts'

/** One `type` of details. */
export interface LoadedDetails {
  readonly each: JsonPath | undefined
  /** Without an id: every object of the type. */
  readonly covers: readonly { readonly type: string; readonly id: Template | undefined }[]
  readonly actions: ReadonlyMap<string, readonly string[]>
}

/** What is left of a principal's grants. */
export interface Narrowing {
  covers(resource: { readonly type: string; readonly id: string }, permission: string): boolean
}

export function loadAuthorizationDetails(
  loading: Loading,
  source: NonNullable<Policy['authorization_details']>,
): ReadonlyMap<string, LoadedDetails> {
  const loaded = Object.entries(source).map(([name, { each, covers, actions }]) => {
    const at = ['authorization_details', name]
    const known = variables(each === undefined ? ['detail'] : ['detail', 'value'])
    const objects = covers.flatMap((text, index): LoadedDetails['covers'] => {
      const problem = (sentence: string | undefined) => {
        if (sentence !== undefined) loading.report([...at, 'covers', index], sentence)
        return sentence !== undefined
      }
      if (isValidType(text))
        return problem(loading.schema.typeProblem(text)) ? [] : [{ type: text, id: undefined }]
      const compiled = compileObject(text, known)
      if (typeof compiled === 'string') return problem(compiled) ? [] : []
      return problem(loading.schema.typeProblem(compiled.type)) ? [] : [compiled]
    })
    for (const [action, permissions] of Object.entries(actions))
      permissions.forEach((permission, index) => {
        const problems = objects.map(({ type }) => loading.schema.permissionProblem(type, permission))
        if (problems.length > 0 && problems.every((one) => one !== undefined))
          loading.report([...at, 'actions', action, index], problems[0]!)
      })
    const path = each === undefined ? undefined : loadPath(loading, each, [...at, 'each'])
    return [name, { each: path, covers: objects, actions: new Map(Object.entries(actions)) }] as const
  })
  return new Map(loaded)
}

const nothing: Narrowing = { covers: () => false }

/**
 * What the token's `authorization_details` leave; undefined when it has none and so nothing is narrowed. What the policy does
 * not know, or what is malformed, covers nothing.
 */
export function narrowingOf(
  known: ReadonlyMap<string, LoadedDetails>,
  { claims }: Principal,
): Narrowing | undefined {
  const details = claims.authorization_details
  if (details === undefined) return undefined
  if (!Array.isArray(details)) return nothing
  const covered = new Set<string>()
  for (const detail of details as readonly JsonValue[]) {
    if (!isJsonObject(detail) || typeof detail.type !== 'string') continue
    const rule = known.get(detail.type)
    const actions = Array.isArray(detail.actions) ? detail.actions : []
    const permissions = actions.flatMap((action) => rule?.actions.get(String(action)) ?? [])
    if (rule === undefined || permissions.length === 0) continue
    const values = rule.each === undefined ? [undefined] : rule.each.select(detail).map(({ value }) => value)
    for (const value of values)
      for (const { type, id } of rule.covers) {
        const filled = id && fillTemplate(id, new Scope({ detail, value, claims }))
        if (id !== undefined && filled === undefined) continue
        for (const permission of permissions) covered.add(key(type, filled, permission))
      }
  }
  return {
    covers: ({ type, id }, permission) =>
      covered.has(key(type, undefined, permission)) || covered.has(key(type, id, permission)),
  }
}

function key(type: string, id: string | undefined, permission: string): string {
  return id === undefined ? `${type}#${permission}` : `${type}:${id}#${permission}`
}
