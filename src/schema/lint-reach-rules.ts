// Lint rules about who can be reached: grants that lead nowhere, bans that ban nobody, the public in the wrong place.

import type { Expression, Schema } from '../model/schema.ts'
import { buildExpression } from './build-schema.ts'
import { forEachDependency, type MemberNode } from './dependencies.ts'
import { schemaLimits } from './limits.ts'
import type { LintContext, LintRule } from './lint-rule.ts'
import { arrowsOf, expressionsOf, permissionsOf, relationsOf } from './lint-walk.ts'
import { memberKey } from './member-key.ts'
import { quoteName } from './problem.ts'
import { type StepBudget, subjectTypes } from './subject-types.ts'
import type { ExpressionNode } from './syntax-tree.ts'

/** Types behind an expression, `self` included; undefined when it takes too long. */
function typesBehind(
  schema: Schema,
  definitionName: string,
  node: ExpressionNode,
  budget: StepBudget,
): ReadonlySet<string> | undefined {
  const types = subjectTypes(schema, definitionName, buildExpression(node), budget)
  const hasSelf = [...expressionsOf(node)].some(({ kind }) => kind === 'self')
  return types !== undefined && hasSelf ? new Set([...types, definitionName]) : types
}

const writeName =
  /^(write|edit|update|modify|delete|remove|create|manage|admin|administer|own|share|grant|approve|invite)(_|$)/

export const reachRules: readonly LintRule[] = [
  {
    id: 'exclusion-without-effect',
    title: 'an exclusion that shares no subject type with what it is taken from',
    why: 'Nobody who has the first side can ever be on the second one, so the ban bans nobody.',
    example: `definition user {}

definition group {}

definition document {
	relation viewer: user
	relation banned: group
	permission view = viewer - banned
}`,
    better: `definition user {}

definition group {}

definition document {
	relation viewer: user
	relation banned: user
	permission view = viewer - banned
}`,
    check(context) {
      const budget = { steps: schemaLimits.maxTypeSteps }
      for (const { definition, definitionName, member, node, facts } of permissionsOf(context)) {
        for (const inner of expressionsOf(node.expression)) {
          if (inner.kind !== 'exclusion') continue
          const base = typesBehind(context.schema, definitionName, inner.base, budget)
          const subtracted = typesBehind(context.schema, definitionName, inner.subtracted, budget)
          if (base === undefined || subtracted === undefined) return context.giveUp()
          if (base.size === 0 || [...subtracted].some((type) => base.has(type))) continue
          const message = `What is subtracted here can hold ${listTypes(subtracted)}, what it is subtracted from ${listTypes(base)}: it never takes effect.`
          context.warn(member, inner.subtracted, message, facts, definition)
        }
      }
    },
  },
  {
    id: 'intersection-always-empty',
    title: 'an intersection whose operands share no subject type',
    why: 'Nobody can be in both, so the permission is never granted by it.',
    example: `definition user {}

definition service {}

definition document {
	relation viewer: user
	relation caller: service
	permission view = viewer & caller
}`,
    better: `definition user {}

definition service {}

definition document {
	relation viewer: user
	relation caller: service
	permission view = viewer + caller
}`,
    check(context) {
      const budget = { steps: schemaLimits.maxTypeSteps }
      for (const { definition, definitionName, member, node, facts } of permissionsOf(context)) {
        for (const inner of expressionsOf(node.expression)) {
          if (inner.kind !== 'intersection') continue
          let common: readonly string[] | undefined
          let emptyOperand = false
          for (const operand of inner.operands) {
            const types = typesBehind(context.schema, definitionName, operand, budget)
            if (types === undefined) return context.giveUp()
            emptyOperand ||= types.size === 0
            common = common === undefined ? [...types] : common.filter((type) => types.has(type))
          }
          if (emptyOperand || common === undefined || common.length > 0) continue
          const message = 'The operands of this intersection share no subject type: it is always empty.'
          context.warn(member, inner, message, facts, definition)
        }
      }
    },
  },
  {
    id: 'grant-stops-at-group',
    title: 'a relation that allows a group itself where its members must be meant',
    why: 'A relationship to `group:eng` grants to the group as an object; its members get nothing. Elsewhere the schema uses the members, such as `group#member`.',
    example: `definition user {}

definition group {
	relation member: user | group#member
}

definition document {
	relation viewer: user | group
	permission view = viewer
}`,
    better: `definition user {}

definition group {
	relation member: user | group#member
}

definition document {
	relation viewer: user | group#member
	permission view = viewer
}`,
    check(context) {
      const groups = groupTypes(context)
      const walked = new Set<string>()
      for (const { definitionName, node } of permissionsOf(context)) {
        for (const arrow of arrowsOf(node.expression))
          walked.add(memberKey(definitionName, arrow.relation.text))
      }
      for (const { definition, definitionName, member, node, facts } of relationsOf(context)) {
        if (walked.has(memberKey(definitionName, node.name.text))) continue
        for (const type of node.types ?? []) {
          const example = groups.get(type.type.text)
          if (type.wildcard || type.relation !== undefined || example === undefined) continue
          if (node.types?.some((other) => other.type.text === type.type.text && other.relation !== undefined))
            continue
          const message = `A relationship to a ${quoteName(type.type.text)} grants to that object alone, not to those in it; ${quoteName(`${type.type.text}#${example}`)} would.`
          context.warn(member, type, message, facts, definition)
        }
      }
    },
  },
  {
    id: 'wildcard-reaches-write',
    title: 'a permission that changes things and can be granted to everyone',
    why: 'One wildcard relationship opens it to every subject of the type, unknown ones included. Public access is for reading.',
    example: `definition user {}

definition document {
	relation editor: user | user:*
	permission edit = editor
}`,
    better: `definition user {}

definition document {
	relation viewer: user | user:*
	relation editor: user
	permission edit = editor
	permission view = viewer + edit
}`,
    check(context) {
      const open = publicMembers(context.schema)
      if (open === undefined) return context.giveUp()
      for (const { definition, definitionName, member, node, facts } of permissionsOf(context)) {
        if (!writeName.test(node.name.text) || !open.has(memberKey(definitionName, node.name.text))) continue
        const message = `A wildcard relationship can grant ${quoteName(node.name.text)} to everyone.`
        context.warn(member, node.name, message, facts, definition)
      }
    },
  },
]

function listTypes(types: ReadonlySet<string>): string {
  if (types.size === 0) return 'nothing'
  return [...types].sort().slice(0, 5).map(quoteName).join(', ')
}

/** Types that hold subjects of other types and serve as `type#relation` somewhere, with one such relation. */
function groupTypes(context: LintContext): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const { node } of relationsOf(context)) {
    for (const { type, relation } of node.types ?? []) {
      if (relation === undefined || groups.has(type.text)) continue
      const relations = context.schema.definitions.get(type.text)?.relations.values() ?? []
      const holdsOthers = [...relations].some(({ types }) => types.some((held) => held.type !== type.text))
      if (holdsOthers) groups.set(type.text, relation.text)
    }
  }
  return groups
}

/** Keys of relations and permissions that a wildcard relationship can open to a whole type; undefined: too large. */
function publicMembers(schema: Schema): ReadonlySet<string> | undefined {
  const open = new Set<string>()
  const dependents = new Map<string, MemberNode[]>()
  forEachDependency(schema, (dependent, { definition, member }) => {
    const key = memberKey(definition, member)
    const list = dependents.get(key)
    if (list === undefined) dependents.set(key, [dependent])
    else list.push(dependent)
  })
  for (const { name, relations } of schema.definitions.values()) {
    for (const relation of relations.values()) {
      if (relation.types.some(({ wildcard }) => wildcard)) open.add(memberKey(name, relation.name))
    }
  }
  const budget = { steps: schemaLimits.maxTypeSteps }
  // A set iterates over what is added to it meanwhile.
  for (const key of open) {
    for (const { definition, member } of dependents.get(key) ?? []) {
      if (budget.steps < 0) return undefined
      const dependentKey = memberKey(definition, member)
      const expression = schema.definitions.get(definition)?.permissions.get(member)?.expression
      if (open.has(dependentKey)) continue
      if (expression === undefined || isOpen(schema, definition, expression, open, budget))
        open.add(dependentKey)
    }
  }
  return open
}

/** Whether an expression holds for everyone, given what is known to. */
function isOpen(
  schema: Schema,
  definition: string,
  expression: Expression,
  open: ReadonlySet<string>,
  budget: StepBudget,
): boolean {
  budget.steps--
  switch (expression.kind) {
    case 'reference':
      return open.has(memberKey(definition, expression.name))
    case 'arrow': {
      const types = schema.definitions.get(definition)?.relations.get(expression.relation)?.types ?? []
      budget.steps -= types.length
      return types.some(({ type }) => open.has(memberKey(type, expression.target)))
    }
    case 'union':
      return expression.operands.some((operand) => isOpen(schema, definition, operand, open, budget))
    case 'intersection':
      return expression.operands.every((operand) => isOpen(schema, definition, operand, open, budget))
    case 'exclusion':
      return isOpen(schema, definition, expression.base, open, budget)
    default:
      return false
  }
}
