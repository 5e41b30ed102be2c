// Partials: shared members that `...name` inserts. They are resolved here and leave no trace in the schema.

import type { DeclaredMember } from './declarations.ts'
import { schemaLimits } from './limits.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText } from './source-text.ts'
import type { DefinitionNode } from './syntax-tree.ts'

export interface DeclaredPartial {
  readonly source: SourceText
  readonly node: DefinitionNode
}

interface Spliced {
  readonly members: readonly DeclaredMember[]
  /** Whether members are missing here that the text has. */
  readonly incomplete: boolean
}

/** Partials with everything they insert themselves. */
export interface ExpandedPartials {
  get(name: string): Spliced | undefined
  /** Members spliced so far, of all definitions and partials: bounded, as doubling partials grow exponentially. */
  count: number
}

/**
 * Resolves partials that insert partials, in whatever order they stand; a chain may be any length, so this follows
 * the order of dependence instead of recursing. What is left over is circular and reported (unresolved-partials).
 */
export function expandPartials(
  partials: ReadonlyMap<string, DeclaredPartial>,
  problems: ProblemList,
): ExpandedPartials {
  const done = new Map<string, Spliced>()
  const expanded: ExpandedPartials = { get: (name) => done.get(name), count: 0 }
  const waitingFor = new Map<string, number>()
  const dependents = new Map<string, string[]>()
  const ready: string[] = []
  for (const [name, { node }] of partials) {
    const needed = new Set(
      node.members.flatMap((member) =>
        member.kind === 'splat' && partials.has(member.name.text) ? [member.name.text] : [],
      ),
    )
    waitingFor.set(name, needed.size)
    if (needed.size === 0) ready.push(name)
    for (const other of needed) {
      const list = dependents.get(other)
      if (list === undefined) dependents.set(other, [name])
      else list.push(name)
    }
  }
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    const partial = partials.get(name)!
    done.set(name, spliceMembers(partial.source, partial.node, expanded, problems))
    waitingFor.delete(name)
    for (const dependent of dependents.get(name) ?? []) {
      const left = (waitingFor.get(dependent) ?? 0) - 1
      waitingFor.set(dependent, left)
      if (left === 0) ready.push(dependent)
    }
  }
  const [firstCircular] = waitingFor.keys()
  if (firstCircular !== undefined) {
    const { source, node } = partials.get(firstCircular)!
    const names = [...waitingFor.keys()].slice(0, 10).map(quoteName).join(', ')
    const message = `Could not resolve partials: ${names}. They insert themselves or each other in a circle.`
    problems.add(source, node.name, 'parse', 'unresolved-partials', message, { partial_name: firstCircular })
    for (const name of waitingFor.keys()) done.set(name, { members: [], incomplete: true })
  }
  return expanded
}

/** The members of a definition or partial, with those of the partials it inserts in their place. */
export function spliceMembers(
  source: SourceText,
  node: DefinitionNode,
  partials: ExpandedPartials,
  problems: ProblemList,
): Spliced {
  const members: DeclaredMember[] = []
  let { incomplete } = node
  for (const member of node.members) {
    if (member.kind !== 'splat') {
      members.push({ source, node: member })
      partials.count++
      continue
    }
    const inserted = partials.get(member.name.text)
    if (inserted === undefined) {
      const message = `There is no partial ${quoteName(member.name.text)}.`
      problems.add(source, member.name, 'parse', 'unknown-partial', message, {
        partial_name: member.name.text,
      })
      incomplete = true
      continue
    }
    partials.count += inserted.members.length
    if (partials.count > schemaLimits.maxMembers) {
      const message = `The definitions have more than ${schemaLimits.maxMembers} members in all, partials spliced in.`
      problems.add(source, member, 'parse', 'schema-too-large', message)
      return { members, incomplete: true }
    }
    for (const each of inserted.members) members.push(each)
    incomplete ||= inserted.incomplete
  }
  return { members, incomplete }
}
