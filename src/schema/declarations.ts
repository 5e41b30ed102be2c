// Declarations: every name of all files once, and every definition with its partials spliced in.

import { checkNames } from './check-names.ts'
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
  const definitionNames = new Set(
    files.flatMap((file) =>
      file.declarations.flatMap((each) => (each.kind === 'definition' ? [each.name.text] : [])),
    ),
  )
  for (const { source, declarations } of files) {
    for (const node of declarations) {
      checkNames(source, node, definitionNames, problems, prefixesRequired)
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
