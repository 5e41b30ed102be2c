// Declarations: every name of all files once, and every definition with its partials spliced in.

import { isValidCaveatName, isValidRelation, isValidType } from '../model/reference.ts'
import { type DeclaredPartial, expandPartials, spliceMembers } from './partials.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText } from './source-text.ts'
import type { CaveatNode, DefinitionNode, FileNode, PermissionNode, RelationNode } from './syntax-tree.ts'

/** A relation or permission with the file it stands in: that of its partial when it came from one. */
export interface DeclaredMember {
  readonly source: SourceText
  readonly node: RelationNode | PermissionNode
}

export interface DeclaredDefinition {
  readonly source: SourceText
  readonly node: DefinitionNode
  /** In source order, partials spliced in; names may repeat. */
  readonly members: readonly DeclaredMember[]
  /** The first member of each name. */
  readonly byName: ReadonlyMap<string, DeclaredMember>
  /** Whether members are missing here that the text has. */
  readonly incomplete: boolean
}

export interface DeclaredCaveat {
  readonly source: SourceText
  readonly node: CaveatNode
}

export interface Declarations {
  readonly definitions: ReadonlyMap<string, DeclaredDefinition>
  readonly caveats: ReadonlyMap<string, DeclaredCaveat>
  /** Whether a declaration was lost, so that an unknown name may just be that one. */
  readonly incomplete: boolean
}

/** Collects the declarations of all files in order, and reports bad names, repeated names and bad partials. */
export function collectDeclarations(
  files: readonly FileNode[],
  problems: ProblemList,
  prefixesRequired: boolean,
): Declarations {
  const taken = new Map<string, string>()
  const definitions: { source: SourceText; node: DefinitionNode }[] = []
  const partials = new Map<string, DeclaredPartial>()
  const caveats = new Map<string, DeclaredCaveat>()
  for (const { source, declarations } of files) {
    for (const node of declarations) {
      checkNames(source, node, problems, prefixesRequired)
      const { text } = node.name
      const before = taken.get(text)
      if (before !== undefined) {
        const message = `${quoteName(text)} is already the name of a ${before}; definitions, caveats and partials share their names.`
        problems.add(source, node.name, 'parse', 'duplicate-name', message, { [`${node.kind}_name`]: text })
        continue
      }
      taken.set(text, node.kind)
      if (node.kind === 'caveat') caveats.set(text, { source, node })
      else if (node.kind === 'partial') partials.set(text, { source, node })
      else definitions.push({ source, node })
    }
  }
  const expanded = expandPartials(partials, problems)
  const declared = new Map<string, DeclaredDefinition>()
  for (const { source, node } of definitions) {
    const { members, incomplete } = spliceMembers(source, node, expanded, problems)
    const byName = new Map<string, DeclaredMember>()
    for (const member of members) {
      if (!byName.has(member.node.name.text)) byName.set(member.node.name.text, member)
    }
    declared.set(node.name.text, { source, node, members, byName, incomplete })
  }
  return { definitions: declared, caveats, incomplete: files.some((file) => file.incomplete) }
}

function checkNames(
  source: SourceText,
  node: DefinitionNode | CaveatNode,
  problems: ProblemList,
  prefixesRequired: boolean,
): void {
  const { name } = node
  const facts = { [`${node.kind}_name`]: name.text }
  if (node.kind === 'definition' && !isValidType(name.text)) {
    const message = `${quoteName(name.text)} cannot name a definition: 3 to 64 characters (a-z, 0-9, _), a letter first, no _ last; prefixes end in \`/\`; at most 128 in all.`
    problems.add(source, name, 'parse', 'invalid-definition-name', message, facts)
  }
  if (node.kind === 'caveat' && !isValidCaveatName(name.text)) {
    const message = `${quoteName(name.text)} cannot name a caveat: 1 to 128 of a-z, A-Z, 0-9, _ and \`/\`.`
    problems.add(source, name, 'parse', 'invalid-caveat-name', message, facts)
  }
  if (prefixesRequired && node.kind !== 'partial') checkPrefix(source, name, problems)
  if (node.kind === 'caveat') return
  for (const member of node.members) {
    if (member.kind === 'splat') continue
    if (prefixesRequired && member.kind === 'relation') {
      for (const type of member.types ?? []) {
        checkPrefix(source, type.type, problems)
        if (type.caveat !== undefined) checkPrefix(source, type.caveat, problems)
      }
    }
    if (isValidRelation(member.name.text)) continue
    const code = member.kind === 'relation' ? 'invalid-relation-name' : 'invalid-permission-name'
    const message = `${quoteName(member.name.text)} cannot name a ${member.kind}: 3 to 64 characters (a-z, 0-9, _), a letter first, no _ last.`
    problems.add(source, member.name, 'parse', code, message, { ...facts, relation_name: member.name.text })
  }
}

function checkPrefix(
  source: SourceText,
  name: { text: string; start: number; end: number },
  problems: ProblemList,
): void {
  if (name.text.includes('/')) return
  const message = `${quoteName(name.text)} has no prefix, and this service requires one: \`some_prefix/${name.text.slice(0, 64)}\`.`
  problems.add(source, name, 'parse', 'missing-prefix', message)
}
