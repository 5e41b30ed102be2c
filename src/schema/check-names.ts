// Names as such: their form, and the prefix that a service may require. Whether they exist is the type checker's question.

import { isValidCaveatName, isValidRelation, isValidType } from '../model/reference.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText } from './source-text.ts'
import type { CaveatNode, DefinitionNode, ExpressionNode, MemberNode, NameNode } from './syntax-tree.ts'

const memberForm = '3 to 64 characters (a-z, 0-9, _), a letter first, no _ last'

/**
 * Reports badly formed names of a declaration, of its members, and of what the members refer to.
 *
 * @param definitionNames names of all definitions: one that is badly formed is reported where it is declared alone
 */
export function checkNames(
  source: SourceText,
  node: DefinitionNode | CaveatNode,
  definitionNames: ReadonlySet<string>,
  problems: ProblemList,
  prefixesRequired: boolean,
): void {
  const { name } = node
  const facts = { [`${node.kind}_name`]: name.text }
  if (node.kind === 'definition' && !isValidType(name.text)) {
    const message = `${quoteName(name.text)} cannot name a definition: ${memberForm}; prefixes end in \`/\`; at most 128 in all.`
    problems.add(source, name, 'parse', 'invalid-definition-name', message, facts)
  }
  if (node.kind === 'caveat' && !isValidCaveatName(name.text)) {
    const message = `${quoteName(name.text)} cannot name a caveat: 1 to 128 of a-z, A-Z, 0-9, _ and \`/\`.`
    problems.add(source, name, 'parse', 'invalid-caveat-name', message, facts)
  }
  if (prefixesRequired && node.kind !== 'partial') checkPrefix(source, name, problems)
  if (node.kind === 'caveat') return
  const declared = new Set(
    node.members.flatMap((member) => (member.kind === 'splat' ? [] : [member.name.text])),
  )
  for (const member of node.members) {
    if (member.kind === 'splat') continue
    const memberFacts = { ...facts, relation_name: member.name.text }
    if (!isValidRelation(member.name.text)) {
      const code = member.kind === 'relation' ? 'invalid-relation-name' : 'invalid-permission-name'
      const message = `${quoteName(member.name.text)} cannot name a ${member.kind}: ${memberForm}.`
      problems.add(source, member.name, 'parse', code, message, memberFacts)
    }
    for (const reference of referencesOf(member)) {
      if (isValidRelation(reference.text) || declared.has(reference.text)) continue
      const message = `${quoteName(reference.text)} can be no relation or permission: their names have ${memberForm}.`
      problems.add(source, reference, 'parse', 'invalid-reference-name', message, memberFacts)
    }
    for (const type of member.kind === 'relation' ? (member.types ?? []) : []) {
      if (!isValidType(type.type.text) && !definitionNames.has(type.type.text)) {
        const message = `${quoteName(type.type.text)} can be no definition: their names have ${memberForm}.`
        problems.add(source, type.type, 'parse', 'invalid-reference-name', message, memberFacts)
      }
      if (prefixesRequired) {
        checkPrefix(source, type.type, problems)
        if (type.caveat !== undefined) checkPrefix(source, type.caveat, problems)
      }
    }
  }
}

/** Names of relations and permissions that a member refers to. */
function* referencesOf(member: MemberNode): Generator<NameNode> {
  if (member.kind === 'relation') {
    for (const { relation } of member.types ?? []) if (relation !== undefined) yield relation
  } else if (member.kind === 'permission' && member.expression !== undefined) {
    yield* namesIn(member.expression)
  }
}

function* namesIn(node: ExpressionNode): Generator<NameNode> {
  if (node.kind === 'reference') {
    yield node.name
  } else if (node.kind === 'arrow') {
    yield node.relation
    yield node.target
  } else if (node.kind === 'exclusion') {
    yield* namesIn(node.base)
    yield* namesIn(node.subtracted)
  } else if (node.kind === 'union' || node.kind === 'intersection') {
    for (const operand of node.operands) yield* namesIn(operand)
  }
}

function checkPrefix(source: SourceText, name: NameNode, problems: ProblemList): void {
  if (name.text.includes('/')) return
  const message = `${quoteName(name.text)} has no prefix, and this service requires one: \`some_prefix/${name.text.slice(0, 64)}\`.`
  problems.add(source, name, 'parse', 'missing-prefix', message)
}
