// The structural difference between two schemas, one entry per change, as DiffSchema reports it.

import {
  type AllowedType,
  type Caveat,
  type Definition,
  type Expression,
  formatAllowedType,
  formatCaveatType,
  type Schema,
} from '../model/schema.ts'
import {
  joinComments,
  type ReflectedCaveat,
  type ReflectedDefinition,
  type ReflectedParameter,
  type ReflectedPermission,
  type ReflectedRelation,
  reflectCaveat,
  reflectDefinition,
  reflectParameter,
  reflectPermission,
  reflectRelation,
} from './reflection.ts'

/** One change. Removed elements are as they were, all others as they will be. */
export type SchemaDifference =
  | {
      readonly kind: 'definition_added' | 'definition_removed' | 'definition_doc_comment_changed'
      readonly definition: ReflectedDefinition
    }
  | {
      readonly kind: 'relation_added' | 'relation_removed' | 'relation_doc_comment_changed'
      readonly relation: ReflectedRelation
    }
  | {
      readonly kind: 'relation_subject_type_added' | 'relation_subject_type_removed'
      readonly relation: ReflectedRelation
      readonly subjectType: AllowedType
    }
  | {
      readonly kind:
        | 'permission_added'
        | 'permission_removed'
        | 'permission_doc_comment_changed'
        | 'permission_expr_changed'
      readonly permission: ReflectedPermission
    }
  | {
      readonly kind: 'caveat_added' | 'caveat_removed' | 'caveat_doc_comment_changed' | 'caveat_expr_changed'
      readonly caveat: ReflectedCaveat
    }
  | {
      readonly kind: 'caveat_parameter_added' | 'caveat_parameter_removed'
      readonly parameter: ReflectedParameter
    }
  | {
      readonly kind: 'caveat_parameter_type_changed'
      readonly parameter: ReflectedParameter
      readonly previousType: string
    }

/**
 * What changes from one schema to the other (reference: schema language, section 9). Source positions and the order of
 * elements are no difference. Definitions come first, then caveats, each in the order of `from` and then of `to`.
 */
export function diffSchemas(from: Schema, to: Schema): readonly SchemaDifference[] {
  return [
    ...compare(from.definitions, to.definitions, {
      removed: (definition) => [{ kind: 'definition_removed', definition: reflectDefinition(definition) }],
      added: (definition) => [{ kind: 'definition_added', definition: reflectDefinition(definition) }],
      both: diffDefinitions,
    }),
    ...compare(from.caveats, to.caveats, {
      removed: (caveat) => [{ kind: 'caveat_removed', caveat: reflectCaveat(caveat) }],
      added: (caveat) => [{ kind: 'caveat_added', caveat: reflectCaveat(caveat) }],
      both: diffCaveats,
    }),
  ]
}

/** Walks two maps by key: what only the first has, what both have, then what only the second has. */
function compare<Element>(
  from: ReadonlyMap<string, Element>,
  to: ReadonlyMap<string, Element>,
  on: {
    readonly removed: (element: Element) => readonly SchemaDifference[]
    readonly added: (element: Element) => readonly SchemaDifference[]
    readonly both: (from: Element, to: Element) => readonly SchemaDifference[]
  },
): readonly SchemaDifference[] {
  const differences: SchemaDifference[] = []
  for (const [key, element] of from) {
    const other = to.get(key)
    for (const each of other === undefined ? on.removed(element) : on.both(element, other))
      differences.push(each)
  }
  for (const [key, element] of to)
    if (!from.has(key)) for (const each of on.added(element)) differences.push(each)
  return differences
}

function commentsDiffer(from: { comments: readonly string[] }, to: { comments: readonly string[] }): boolean {
  return joinComments(from.comments) !== joinComments(to.comments)
}

function diffDefinitions(from: Definition, to: Definition): readonly SchemaDifference[] {
  const { name } = from
  return [
    ...(commentsDiffer(from, to)
      ? [{ kind: 'definition_doc_comment_changed' as const, definition: reflectDefinition(to) }]
      : []),
    ...compare(from.relations, to.relations, {
      removed: (relation) => [{ kind: 'relation_removed', relation: reflectRelation(name, relation) }],
      added: (relation) => [{ kind: 'relation_added', relation: reflectRelation(name, relation) }],
      both: (before, after) => {
        const relation = reflectRelation(name, after)
        return [
          ...(commentsDiffer(before, after)
            ? [{ kind: 'relation_doc_comment_changed' as const, relation }]
            : []),
          ...compare(byForm(before.types), byForm(after.types), {
            removed: (subjectType) => [{ kind: 'relation_subject_type_removed', relation, subjectType }],
            added: (subjectType) => [{ kind: 'relation_subject_type_added', relation, subjectType }],
            both: () => [],
          }),
        ]
      },
    }),
    ...compare(from.permissions, to.permissions, {
      removed: (permission) => [
        { kind: 'permission_removed', permission: reflectPermission(name, permission) },
      ],
      added: (permission) => [{ kind: 'permission_added', permission: reflectPermission(name, permission) }],
      both: (before, after) => {
        const permission = reflectPermission(name, after)
        return [
          ...(commentsDiffer(before, after)
            ? [{ kind: 'permission_doc_comment_changed' as const, permission }]
            : []),
          ...(sameExpression(before.expression, after.expression)
            ? []
            : [{ kind: 'permission_expr_changed' as const, permission }]),
        ]
      },
    }),
  ]
}

function byForm(types: readonly AllowedType[]): ReadonlyMap<string, AllowedType> {
  return new Map(types.map((type) => [formatAllowedType(type), type]))
}

function diffCaveats(from: Caveat, to: Caveat): readonly SchemaDifference[] {
  const caveat = reflectCaveat(to)
  return [
    ...(commentsDiffer(from, to) ? [{ kind: 'caveat_doc_comment_changed' as const, caveat }] : []),
    ...compare(named(from), named(to), {
      removed: ({ name }) => [{ kind: 'caveat_parameter_removed', parameter: reflectParameter(from, name) }],
      added: ({ name }) => [{ kind: 'caveat_parameter_added', parameter: reflectParameter(to, name) }],
      both: (before, after) =>
        before.type === after.type
          ? []
          : [
              {
                kind: 'caveat_parameter_type_changed',
                parameter: reflectParameter(to, after.name),
                previousType: before.type,
              },
            ],
    }),
    ...(reflectCaveat(from).expression === caveat.expression
      ? []
      : [{ kind: 'caveat_expr_changed' as const, caveat }]),
  ]
}

function named(caveat: Caveat): ReadonlyMap<string, { readonly name: string; readonly type: string }> {
  return new Map(
    [...caveat.parameters].map(([name, type]) => [name, { name, type: formatCaveatType(type) }] as const),
  )
}

/** Whether two expressions are the same tree; `a->b` and `a.any(b)` are told apart. */
export function sameExpression(a: Expression, b: Expression): boolean {
  switch (a.kind) {
    case 'nil':
    case 'self':
      return b.kind === a.kind
    case 'reference':
      return b.kind === 'reference' && a.name === b.name
    case 'arrow':
      return (
        b.kind === 'arrow' &&
        a.relation === b.relation &&
        a.target === b.target &&
        a.quantifier === b.quantifier &&
        a.style === b.style
      )
    case 'exclusion':
      return (
        b.kind === 'exclusion' && sameExpression(a.base, b.base) && sameExpression(a.subtracted, b.subtracted)
      )
    default:
      return (
        b.kind === a.kind &&
        a.operands.length === b.operands.length &&
        a.operands.every((operand, index) => sameExpression(operand, b.operands[index]!))
      )
  }
}
