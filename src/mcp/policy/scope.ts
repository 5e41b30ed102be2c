// The variables of one place in a call: what `{root.path}` finds there.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import type { SubjectRef } from '../../model/reference.ts'
import type { Principal } from '../principal.ts'
import { memberAt } from './json-object.ts'

/** A value as it came, or an id fragment that is encoded already. */
export type NamedValue =
  | { readonly raw: JsonValue; readonly encoded?: undefined }
  | { readonly encoded: string; readonly raw?: undefined }

export type NamedValues = { readonly [name: string]: NamedValue }

/** What an item's children see as `parent`: its `let` names, then its members. */
export interface ParentScope {
  readonly names: NamedValues
  readonly item?: JsonValue
}

/** Variables are found by root, never by bare name, except names from `let` and from a URI. */
export class Scope {
  private readonly roots: { readonly [root: string]: JsonValue | undefined }
  private readonly names: NamedValues
  private readonly parent: ParentScope | undefined
  /** Has the roots that this one does not name itself. */
  private readonly outer: Scope | undefined

  constructor(
    roots: { readonly [root: string]: JsonValue | undefined },
    names: NamedValues = {},
    parent?: ParentScope,
    outer?: Scope,
  ) {
    this.roots = roots
    this.names = names
    this.parent = parent
    this.outer = outer
  }

  /** Undefined when it is not there. Only own members count. */
  find(root: string, path: readonly string[]): NamedValue | undefined {
    if (path.length === 0 && Object.hasOwn(this.names, root)) return this.names[root]
    if (root === 'parent') return this.findInParent(path)
    let scope: Scope | undefined = this
    while (scope !== undefined && !Object.hasOwn(scope.roots, root)) scope = scope.outer
    const raw = scope && memberAt(scope.roots[root], path)
    return raw === undefined ? undefined : { raw }
  }

  private findInParent(path: readonly string[]): NamedValue | undefined {
    const first = path[0]
    if (this.parent === undefined || first === undefined) return undefined
    if (path.length === 1 && Object.hasOwn(this.parent.names, first)) return this.parent.names[first]
    const raw = memberAt(this.parent.item, path)
    return raw === undefined ? undefined : { raw }
  }

  /** The same with more roots. */
  withRoots(roots: { readonly [root: string]: JsonValue | undefined }, parent?: ParentScope): Scope {
    return new Scope(roots, this.names, parent ?? this.parent, this)
  }

  /** The same with one more name. */
  withNames(names: NamedValues): Scope {
    return new Scope(this.roots, { ...this.names, ...names }, this.parent, this.outer)
  }

  /** Names given so far. */
  get named(): NamedValues {
    return this.names
  }
}

/** What is known of a call before its arguments are looked at. */
export interface Caller {
  readonly principal: Principal
  /** What the door knows about the request, such as `{ ip }`. */
  readonly request?: JsonObject
}

/** The roots that every place has. */
export function callerScope({ principal, request }: Caller): Scope {
  return new Scope({
    claims: principal.claims,
    subject: subjectRoot(principal.subjectRef),
    agent: principal.agentRef && subjectRoot(principal.agentRef),
    request,
  })
}

function subjectRoot(subject: SubjectRef): JsonObject {
  return { type: subject.type, id: subject.id }
}
