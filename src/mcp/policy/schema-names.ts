// The names of the permission schema, as far as a policy uses them.

import type { CaveatType } from '../../model/schema.ts'
import { formatCaveatType } from '../../model/schema.ts'
import { didYouMean } from './suggest-name.ts'
import type { CheckTemplate } from './template.ts'

/** Without a schema, everything is believed until it is asked. */
export interface SchemaNames {
  /** A sentence if the check names a type, permission or relation that the schema does not have. */
  problemOf(check: CheckTemplate): string | undefined
  /** The same for one relation that is to be written. */
  relationProblem(check: CheckTemplate): string | undefined
  permissionProblem(type: string, permission: string): string | undefined
  typeProblem(type: string): string | undefined
  /** Type of a caveat parameter, or a sentence if no caveat has it or two disagree. Undefined without a schema. */
  parameterType(name: string): CaveatType | string | undefined
}

/** As much of a schema as names need. */
export interface KnownSchema {
  readonly definitions: ReadonlyMap<
    string,
    {
      readonly relations: ReadonlyMap<string, unknown>
      readonly permissions: ReadonlyMap<string, unknown>
      readonly members: readonly string[]
    }
  >
  readonly caveats: ReadonlyMap<string, { readonly parameters: ReadonlyMap<string, CaveatType> }>
}

export function schemaNames(schema: KnownSchema | undefined): SchemaNames {
  if (schema === undefined) {
    const believe = () => undefined
    return {
      problemOf: believe,
      relationProblem: believe,
      permissionProblem: believe,
      typeProblem: believe,
      parameterType: believe,
    }
  }
  const typeProblem = (type: string) =>
    schema.definitions.has(type)
      ? undefined
      : `the schema has no definition ${JSON.stringify(type)}${didYouMean(type, schema.definitions.keys())}`
  const permissionProblem = (type: string, permission: string) => {
    const definition = schema.definitions.get(type)
    if (!definition) return typeProblem(type)
    if (definition.relations.has(permission) || definition.permissions.has(permission)) return undefined
    return `${type} has no permission or relation ${JSON.stringify(permission)}${didYouMean(permission, definition.members)}`
  }
  const subjectProblem = ({ subject }: CheckTemplate) => {
    if (subject.kind !== 'other') return undefined
    return subject.relation === ''
      ? typeProblem(subject.type)
      : permissionProblem(subject.type, subject.relation)
  }
  return {
    typeProblem,
    permissionProblem,
    problemOf: (check) => permissionProblem(check.type, check.permission) ?? subjectProblem(check),
    relationProblem(check) {
      const definition = schema.definitions.get(check.type)
      if (!definition) return typeProblem(check.type)
      if (!definition.relations.has(check.permission))
        return `${check.type} has no relation ${JSON.stringify(check.permission)}${didYouMean(check.permission, definition.relations.keys())}`
      return subjectProblem(check)
    },
    parameterType(name) {
      const types = [...schema.caveats.values()].flatMap((caveat) => caveat.parameters.get(name) ?? [])
      const [first, ...others] = types
      if (!first) {
        const names = new Set([...schema.caveats.values()].flatMap((caveat) => [...caveat.parameters.keys()]))
        return `no caveat has a parameter ${JSON.stringify(name)}${didYouMean(name, names)}`
      }
      const other = others.find((type) => formatCaveatType(type) !== formatCaveatType(first))
      return other
        ? `${name} is ${formatCaveatType(first)} in one caveat and ${formatCaveatType(other)} in another; rename one`
        : first
    },
  }
}
