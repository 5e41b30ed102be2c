// Type checks: every name that a declaration mentions exists and is of the right kind; wildcards and aliases keep their rules.

import { isValidRelation, isValidType } from '../model/reference.ts'
import { formatAllowedType } from '../model/schema.ts'
import { buildAllowedType } from './build-schema.ts'
import type { Declarations, DeclaredDefinition, DeclaredMember } from './declarations.ts'
import { memberKey } from './member-key.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { TypeProblemCode } from './problem-code.ts'
import type { SourceText, Span } from './source-text.ts'
import { didYouMean } from './suggestion.ts'
import type { ExpressionNode, NameNode, RelationNode, TypeNode } from './syntax-tree.ts'
import { wildcardRelations } from './wildcard-relations.ts'

/** Reports everything that reference section 5 lists for the type stage, except what caveats and annotations need. */
export function checkTypes(declarations: Declarations, problems: ProblemList): void {
  const wildcards = wildcardRelations(declarations)
  for (const definition of declarations.definitions.values()) {
    for (const member of definition.members) {
      if (problems.full) return
      const check = new MemberCheck(declarations, definition, member, wildcards, problems)
      if (definition.byName.get(member.node.name.text) !== member) check.duplicate()
      if (member.node.kind === 'relation') check.relation(member.node)
      else if (member.node.expression !== undefined) check.expression(member.node.expression)
    }
    checkAliases(definition, problems)
  }
}

class MemberCheck {
  readonly #declarations: Declarations
  readonly #definition: DeclaredDefinition
  readonly #source: SourceText
  readonly #name: NameNode
  readonly #wildcards: ReadonlySet<string>
  readonly #problems: ProblemList

  constructor(
    declarations: Declarations,
    definition: DeclaredDefinition,
    member: DeclaredMember,
    wildcards: ReadonlySet<string>,
    problems: ProblemList,
  ) {
    this.#declarations = declarations
    this.#definition = definition
    this.#source = member.source
    this.#name = member.node.name
    this.#wildcards = wildcards
    this.#problems = problems
  }

  get #definitionName(): string {
    return this.#definition.node.name.text
  }

  #report(code: TypeProblemCode, span: Span, message: string, facts: { [name: string]: string } = {}): void {
    this.#problems.add(this.#source, span, 'type', code, message, {
      definition_name: this.#definitionName,
      relation_name: this.#name.text,
      ...facts,
    })
  }

  duplicate(): void {
    const message = `${quoteName(this.#definitionName)} already has a relation or permission ${quoteName(this.#name.text)}.`
    this.#report('duplicate-member', this.#name, message)
  }

  relation(node: RelationNode): void {
    const seen = new Set<string>()
    for (const type of node.types ?? []) {
      const form = formatAllowedType(buildAllowedType(type))
      if (seen.has(form)) {
        const message = `The relation ${quoteName(node.name.text)} already allows ${quoteName(form)}.`
        this.#report('duplicate-allowed-type', type, message, { allowed_type: form })
      }
      seen.add(form)
      this.#type(type)
    }
  }

  #type(node: TypeNode): void {
    const { definitions, caveats, incomplete } = this.#declarations
    const subject = definitions.get(node.type.text)
    if (subject === undefined) {
      if (!incomplete && isValidType(node.type.text)) this.#unknownDefinition(node.type)
    } else if (node.relation !== undefined) {
      this.#subjectRelation(node.type, node.relation, subject)
    }
    if (node.caveat === undefined || caveats.has(node.caveat.text) || incomplete) return
    const cure =
      node.caveat.text === 'expiration'
        ? ' For an expiry, put the line `use expiration` at the top of the schema.'
        : didYouMean(node.caveat.text, caveats.keys())
    const message = `There is no caveat ${quoteName(node.caveat.text)}.${cure}`
    this.#report('unknown-caveat', node.caveat, message, { caveat_name: node.caveat.text })
  }

  #unknownDefinition(name: NameNode): void {
    const message = `There is no definition ${quoteName(name.text)}.${didYouMean(name.text, this.#declarations.definitions.keys())}`
    this.#report('unknown-definition', name, message, { subject_definition_name: name.text })
  }

  #subjectRelation(type: NameNode, relation: NameNode, subject: DeclaredDefinition): void {
    const facts = { subject_definition_name: type.text, subject_relation_name: relation.text }
    const found = subject.byName.get(relation.text)
    if (found === undefined) {
      if (subject.incomplete || !isValidRelation(relation.text)) return
      const message = `${quoteName(type.text)} has no relation or permission ${quoteName(relation.text)}.${didYouMean(relation.text, subject.byName.keys())}`
      this.#report('unknown-subject-relation', relation, message, facts)
      return
    }
    const foreign = type.text !== this.#definitionName
    if (
      foreign &&
      found.node.kind === 'relation' &&
      this.#wildcards.has(memberKey(type.text, relation.text))
    ) {
      const message = `${quoteName(`${type.text}#${relation.text}`)} can hold a wildcard, and a wildcard may not be passed on to another definition; list the wildcard here itself instead.`
      this.#report('transitive-wildcard', { start: type.start, end: relation.end }, message, facts)
    }
  }

  /** Recursion is bounded by the height that the parser allows. */
  expression(node: ExpressionNode): void {
    switch (node.kind) {
      case 'reference':
        this.#reference(node.name)
        return
      case 'arrow':
        this.#arrowRelation(node.relation)
        return
      case 'union':
      case 'intersection':
        for (const operand of node.operands) this.expression(operand)
        return
      case 'exclusion':
        this.expression(node.base)
        this.expression(node.subtracted)
        return
      default:
    }
  }

  #reference(name: NameNode): void {
    const { byName, incomplete } = this.#definition
    if (byName.has(name.text) || incomplete || !isValidRelation(name.text)) return
    const cure =
      name.text === 'self'
        ? ' For the resource itself, put the line `use self` at the top of the schema.'
        : didYouMean(name.text, byName.keys())
    const message = `${quoteName(this.#definitionName)} has no relation or permission ${quoteName(name.text)}.${cure}`
    this.#report('unknown-reference', name, message, { reference_name: name.text })
  }

  #arrowRelation(name: NameNode): void {
    const { byName, incomplete } = this.#definition
    const left = byName.get(name.text)
    const facts = { reference_name: name.text }
    if (left === undefined) {
      if (incomplete || !isValidRelation(name.text)) return
      const message = `${quoteName(this.#definitionName)} has no relation ${quoteName(name.text)} for the arrow to start from.${didYouMean(name.text, byName.keys())}`
      this.#report('unknown-arrow-relation', name, message, facts)
    } else if (left.node.kind === 'permission') {
      const message = `${quoteName(name.text)} is a permission; an arrow starts from a relation.`
      this.#report('arrow-from-permission', name, message, facts)
    } else if (this.#wildcards.has(memberKey(this.#definitionName, name.text))) {
      const message = `The relation ${quoteName(name.text)} can hold a wildcard, and an arrow cannot walk to every object; use a relation without one.`
      this.#report('arrow-over-wildcard', name, message, facts)
    }
  }
}

/** Permissions that are nothing but each other's names mean nothing: `permission a = b`, `permission b = a`. */
function checkAliases(
  { node: definition, members, byName }: DeclaredDefinition,
  problems: ProblemList,
): void {
  const aliasOf = (name: string): string | undefined => {
    const node = byName.get(name)?.node
    return node?.kind === 'permission' && node.expression?.kind === 'reference'
      ? node.expression.name.text
      : undefined
  }
  const done = new Set<string>()
  for (const { node, source } of members) {
    const path: string[] = []
    const onPath = new Set<string>()
    let name: string | undefined = node.name.text
    while (name !== undefined && !done.has(name) && !onPath.has(name)) {
      path.push(name)
      onPath.add(name)
      name = aliasOf(name)
    }
    if (name !== undefined && onPath.has(name)) {
      const circle = [...path.slice(path.indexOf(name)), name]
      const shown = circle.slice(0, 10).map(quoteName).join(' = ')
      const start = byName.get(name) ?? { source, node }
      const facts = { definition_name: definition.name.text, relation_name: name }
      const message = `These permissions are only names for each other: ${shown}.`
      problems.add(start.source, start.node.name, 'type', 'alias-cycle', message, facts)
    }
    for (const passed of path) done.add(passed)
  }
}
