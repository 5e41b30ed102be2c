// What stands between two schemas: the rows that must not exist for a schema write, and changes refused whatever the rows.

import type { ErrorFacts } from '../model/errors.ts'
import { wildcardId } from '../model/reference.ts'
import {
  type AllowedType,
  type Definition,
  formatAllowedType,
  formatCaveatType,
  type Relation,
  type Schema,
} from '../model/schema.ts'
import type { SchemaGuard } from '../store/store.ts'
import { quoteName } from './problem.ts'

/** A change that is refused without looking at rows. */
export interface SchemaRefusal {
  readonly message: string
  readonly facts: ErrorFacts
}

/**
 * What a write of `to` over `from` needs (reference: schema language, section 7). Permissions, comments and caveat
 * expressions change freely; so does everything that is added.
 *
 * @param from the schema in force; undefined when there is none
 * @returns guards: live rows that match one refuse the write. problems: any one refuses it in any case.
 */
export function schemaGuards(
  from: Schema | undefined,
  to: Schema,
): { readonly guards: readonly SchemaGuard[]; readonly problems: readonly SchemaRefusal[] } {
  const guards: SchemaGuard[] = []
  for (const definition of from?.definitions.values() ?? []) {
    const next = to.definitions.get(definition.name)
    if (next === undefined) guards.push(definitionGuard(definition))
    else guards.push(...relationGuards(definition, next))
  }
  return { guards, problems: from === undefined ? [] : caveatRefusals(from, to) }
}

function definitionGuard({ name }: Definition): SchemaGuard {
  return {
    filter: { resourceType: name },
    message: `The definition ${quoteName(name)} cannot be removed while relationships of its objects exist; delete them first.`,
    facts: { operation: 'delete_object_definition', definition_name: name },
  }
}

function relationGuards(definition: Definition, next: Definition): readonly SchemaGuard[] {
  const guards: SchemaGuard[] = []
  for (const relation of definition.relations.values()) {
    const kept = next.relations.get(relation.name)
    guards.push(
      ...(kept === undefined
        ? removedRelationGuards(definition.name, relation.name)
        : allowedTypeGuards(definition.name, relation, kept)),
    )
  }
  return guards
}

function removedRelationGuards(definition: string, relation: string): readonly SchemaGuard[] {
  const name = quoteName(`${definition}#${relation}`)
  const facts = { definition_name: definition, relation_name: relation }
  return [
    {
      filter: { resourceType: definition, relation },
      message: `The relation ${name} cannot be removed while relationships under it exist; delete them first.`,
      facts: { operation: 'delete_relation', ...facts },
    },
    {
      filter: { subject: { type: definition, relation } },
      message: `The relation ${name} cannot be removed while relationships have it as their subject; delete them first.`,
      facts: { operation: 'delete_relation_reverse_check', ...facts },
    },
  ]
}

function allowedTypeGuards(definition: string, relation: Relation, kept: Relation): readonly SchemaGuard[] {
  const keptForms = new Set(kept.types.map(formatAllowedType))
  return relation.types
    .filter((allowed) => !keptForms.has(formatAllowedType(allowed)))
    .map((allowed) => ({
      filter: { resourceType: definition, relation: relation.name, subject: subjectFilter(allowed) },
      caveat: allowed.caveat ?? null,
      expiration: allowed.expiration,
      message: `The relation ${quoteName(`${definition}#${relation.name}`)} cannot stop allowing ${quoteName(formatAllowedType(allowed))} while such relationships exist; delete them first.`,
      facts: {
        operation: 'remove_allowed_type',
        definition_name: definition,
        relation_name: relation.name,
        allowed_type: formatAllowedType(allowed),
        subject_definition_name: allowed.type,
        ...(allowed.caveat === undefined ? {} : { caveat_name: allowed.caveat }),
      },
    }))
}

/** For a plain type the wildcard's rows count too. */
function subjectFilter({ type, relation, wildcard }: AllowedType): {
  readonly type: string
  readonly id?: string
  readonly relation: string
} {
  return wildcard ? { type, id: wildcardId, relation: '' } : { type, relation }
}

function caveatRefusals(from: Schema, to: Schema): readonly SchemaRefusal[] {
  const refusals: SchemaRefusal[] = []
  for (const caveat of from.caveats.values()) {
    const next = to.caveats.get(caveat.name)
    if (next === undefined) continue
    for (const [name, type] of caveat.parameters) {
      const nextType = next.parameters.get(name)
      const facts = { caveat_name: caveat.name, parameter_name: name }
      const before = formatCaveatType(type)
      if (nextType === undefined) {
        refusals.push({
          message: `The parameter ${quoteName(name)} of the caveat ${quoteName(caveat.name)} cannot be removed, as stored relationships may carry it; write a new caveat instead.`,
          facts: { operation: 'remove_parameter', ...facts },
        })
      } else if (formatCaveatType(nextType) !== before) {
        refusals.push({
          message: `The parameter ${quoteName(name)} of the caveat ${quoteName(caveat.name)} cannot change from ${before} to ${formatCaveatType(nextType)}, as stored relationships may carry it; write a new caveat instead.`,
          facts: {
            operation: 'change_parameter_type',
            ...facts,
            previous_type: before,
            new_type: formatCaveatType(nextType),
          },
        })
      }
    }
  }
  return refusals
}
