// Lint rules about how permission expressions are written and where their arrows lead.

import { buildExpression } from './build-schema.ts'
import type { LintContext, LintRule } from './lint-rule.ts'
import { arrowsOf, expressionsOf, type LintedPermission, permissionsOf } from './lint-walk.ts'
import { printExpression } from './printer.ts'
import { quoteName } from './problem.ts'
import type { ExpressionNode } from './syntax-tree.ts'

/** Subject types that the arrow's relation allows, each once. */
function typesWalked(
  context: LintContext,
  permission: LintedPermission,
  relation: string,
): readonly string[] {
  const types =
    context.schema.definitions.get(permission.definitionName)?.relations.get(relation)?.types ?? []
  return [...new Set(types.map(({ type }) => type))]
}

export const expressionRules: readonly LintRule[] = [
  {
    id: 'permission-references-itself',
    title: 'a permission whose expression names the permission itself',
    why: 'It adds nothing that the rest of the expression does not say, and SpiceDB fails every check of it at its depth limit.',
    example: `definition user {}

definition document {
	relation viewer: user
	permission view = viewer + view
}`,
    better: `definition user {}

definition document {
	relation viewer: user
	permission view = viewer
}`,
    check(context) {
      for (const { definition, member, node, facts } of permissionsOf(context)) {
        for (const inner of expressionsOf(node.expression)) {
          if (inner.kind !== 'reference' || inner.name.text !== node.name.text) continue
          const message = `The permission ${quoteName(node.name.text)} refers to itself.`
          context.warn(member, inner, message, facts, definition)
        }
      }
    },
  },
  {
    id: 'arrow-references-unreachable-relation',
    title: 'an arrow to a name that none of the subject types has',
    why: 'The arrow never grants anything. Usually the target is misspelt, or the permission is missing in the other definition.',
    example: `definition user {}

definition folder {
	relation viewer: user
	permission view = viewer
}

definition document {
	relation parent: folder
	permission view = parent->read
}`,
    better: `definition user {}

definition folder {
	relation viewer: user
	permission view = viewer
}

definition document {
	relation parent: folder
	permission view = parent->view
}`,
    check(context) {
      for (const permission of permissionsOf(context)) {
        for (const arrow of arrowsOf(permission.node.expression)) {
          const types = typesWalked(context, permission, arrow.relation.text)
          const target = arrow.target.text
          if (types.some((type) => context.declarations.definitions.get(type)?.byName.has(target))) continue
          const message = `None of the subject types of ${quoteName(arrow.relation.text)} has ${quoteName(target)}, so this arrow grants nothing.`
          context.warn(permission.member, arrow.target, message, permission.facts, permission.definition)
        }
      }
    },
  },
  {
    id: 'arrow-references-relation',
    title: 'an arrow to a relation of another definition',
    why: 'A permission of the other definition can be redefined there without touching this one; a relation ties both together.',
    example: `definition user {}

definition folder {
	relation viewer: user
	permission view = viewer
}

definition document {
	relation parent: folder
	permission view = parent->viewer
}`,
    better: `definition user {}

definition folder {
	relation viewer: user
	permission view = viewer
}

definition document {
	relation parent: folder
	permission view = parent->view
}`,
    check(context) {
      for (const permission of permissionsOf(context)) {
        for (const arrow of arrowsOf(permission.node.expression)) {
          const target = arrow.target.text
          const holder = typesWalked(context, permission, arrow.relation.text).find(
            (type) =>
              type !== permission.definitionName &&
              context.schema.definitions.get(type)?.relations.has(target),
          )
          if (holder === undefined) continue
          const message = `${quoteName(target)} is a relation of ${quoteName(holder)}; let the arrow lead to a permission.`
          context.warn(permission.member, arrow.target, message, permission.facts, permission.definition)
        }
      }
    },
  },
  {
    id: 'arrow-walks-subject-relation',
    title: 'an arrow over a relation that allows subjects with a relation',
    why: 'An arrow walks to the subject object and ignores its relation: over `group#member` it asks the group itself, not its members.',
    example: `definition user {}

definition group {
	relation member: user
	permission access = member
}

definition document {
	relation owner: group#member
	permission view = owner->access
}`,
    better: `definition user {}

definition group {
	relation member: user
	permission access = member
}

definition document {
	relation owner: group
	permission view = owner->access
}`,
    check(context) {
      for (const permission of permissionsOf(context)) {
        for (const arrow of arrowsOf(permission.node.expression)) {
          const relation = context.schema.definitions
            .get(permission.definitionName)
            ?.relations.get(arrow.relation.text)
          const ignored = relation?.types.find((type) => type.relation !== '')
          if (ignored === undefined) continue
          const message = `${quoteName(arrow.relation.text)} allows ${quoteName(`${ignored.type}#${ignored.relation}`)}, and the arrow ignores ${quoteName(`#${ignored.relation}`)}.`
          context.warn(permission.member, arrow, message, permission.facts, permission.definition)
        }
      }
    },
  },
  {
    id: 'mixed-operators',
    title: 'different operators without parentheses',
    why: '`+` binds tighter than `&`, and `&` tighter than `-`: `viewer - banned + owner` bans owners too, and `viewer + owner & member` asks owners and viewers alike to be members. Few readers know.',
    example: `definition user {}

definition document {
	relation owner: user
	relation viewer: user
	relation banned: user
	permission view = viewer - banned + owner
}`,
    better: `definition user {}

definition document {
	relation owner: user
	relation viewer: user
	relation banned: user
	permission view = (viewer - banned) + owner
}`,
    check(context) {
      for (const { definition, member, node, facts } of permissionsOf(context)) {
        for (const inner of expressionsOf(node.expression)) {
          const mixed = operandsOf(inner).find(
            (operand) =>
              !operand.parenthesized && operandsOf(operand).length > 0 && operand.kind !== inner.kind,
          )
          if (mixed === undefined) continue
          const meant = printExpression(buildExpression(mixed))
          const message = `Different operators side by side: this one means ${quoteName(`(${meant})`)}; write the parentheses.`
          context.warn(member, mixed, message, facts, definition)
        }
      }
    },
  },
  {
    id: 'duplicate-operand',
    title: 'the same operand twice',
    why: 'In `+` and `&` the second one does nothing, and `a - a` is always empty: one of the two was meant to be another name.',
    example: `definition user {}

definition document {
	relation owner: user
	relation viewer: user
	permission view = viewer + owner + viewer
}`,
    better: `definition user {}

definition document {
	relation owner: user
	relation viewer: user
	permission view = viewer + owner
}`,
    check(context) {
      for (const { definition, member, node, facts } of permissionsOf(context)) {
        for (const inner of expressionsOf(node.expression)) {
          const seen = new Set<string>()
          for (const operand of operandsOf(inner)) {
            const text = printExpression(buildExpression(operand))
            if (seen.has(text)) {
              const message = `${quoteName(text)} stands twice in this ${inner.kind}.`
              context.warn(member, operand, message, facts, definition)
            }
            seen.add(text)
          }
        }
      }
    },
  },
]

/** What an operator joins; nothing for a single operand. */
function operandsOf(node: ExpressionNode): readonly ExpressionNode[] {
  if (node.kind === 'union' || node.kind === 'intersection') return node.operands
  return node.kind === 'exclusion' ? [node.base, node.subtracted] : []
}
