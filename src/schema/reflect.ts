// ReflectSchema: the parts of a schema that filters ask for.

import { CardeaError } from '../model/errors.ts'
import type { Schema } from '../model/schema.ts'
import {
  type ReflectedCaveat,
  type ReflectedDefinition,
  reflectCaveat,
  reflectDefinition,
} from './reflection.ts'

/** Name prefixes; unset or empty ones do not filter. */
export interface ReflectionFilter {
  readonly definitionName?: string
  readonly caveatName?: string
  readonly relationName?: string
  readonly permissionName?: string
}

/**
 * The definitions and caveats for which at least one filter holds; everything without filters (reference: schema
 * language, section 9). With any filter, definitions need a filter that names definitions and caveats one that names
 * caveats. A relation filter leaves permissions alone, and the other way round.
 * INVALID_FILTER for combinations that mean nothing.
 */
export function reflectSchema(
  schema: Schema,
  filters: readonly ReflectionFilter[] = [],
): { readonly definitions: readonly ReflectedDefinition[]; readonly caveats: readonly ReflectedCaveat[] } {
  for (const filter of filters) checkFilter(filter)
  const definitionFilters = filters.filter(({ definitionName }) => isSet(definitionName))
  const caveatFilters = filters.filter(({ caveatName }) => isSet(caveatName))
  const definitions: ReflectedDefinition[] = []
  for (const definition of schema.definitions.values()) {
    const matching = definitionFilters.filter(({ definitionName = '' }) =>
      definition.name.startsWith(definitionName),
    )
    if (filters.length > 0 && matching.length === 0) continue
    const reflected = reflectDefinition(definition)
    definitions.push({
      ...reflected,
      relations: reflected.relations.filter(({ name }) => allowed(name, matching, 'relationName')),
      permissions: reflected.permissions.filter(({ name }) => allowed(name, matching, 'permissionName')),
    })
  }
  const caveats = [...schema.caveats.values()].filter(
    ({ name }) =>
      filters.length === 0 || caveatFilters.some(({ caveatName = '' }) => name.startsWith(caveatName)),
  )
  return { definitions, caveats: caveats.map(reflectCaveat) }
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== ''
}

/** Whether one of the definition's filters lets the member through. */
function allowed(
  name: string,
  matching: readonly ReflectionFilter[],
  field: 'relationName' | 'permissionName',
): boolean {
  return matching.length === 0 || matching.some((filter) => name.startsWith(filter[field] ?? ''))
}

function checkFilter(filter: ReflectionFilter): void {
  const { definitionName, caveatName, relationName, permissionName } = filter
  if (isSet(definitionName) && isSet(caveatName)) {
    throw invalidFilter('cannot filter by definition and by caveat name at once; send two filters')
  }
  if (isSet(relationName) && isSet(permissionName)) {
    throw invalidFilter('cannot filter by relation and by permission name at once; send two filters')
  }
  if (isSet(relationName) && !isSet(definitionName)) {
    throw invalidFilter('with a relation name needs a definition name too')
  }
  if (isSet(permissionName) && !isSet(definitionName)) {
    throw invalidFilter('with a permission name needs a definition name too')
  }
}

function invalidFilter(problem: string): CardeaError {
  return new CardeaError('INVALID_FILTER', `A reflection filter ${problem}.`, { reason: problem })
}
