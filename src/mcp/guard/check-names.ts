// The policy beside the schema in force: what it names and the schema does not have is told to the operator at start.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { checkPolicy } from '../policy/load-policy.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'
import { type SchemaNames, schemaNames } from '../policy/schema-names.ts'
import { didYouMean } from '../policy/suggest-name.ts'
import { reasonOf } from './exchange.ts'
import type { GuardLog } from './guard-core.ts'

/**
 * Warns of every type, permission and caveat parameter of the policy that the service does not know. Such a check is an
 * error and so a denial; nobody should have to find that out from users. Never rejects.
 */
export async function checkNames(authorizer: Authorizer, policy: LoadedPolicy, log: GuardLog): Promise<void> {
  try {
    const { problems = [] } = checkPolicy(policy.source, { names: await namesOf(authorizer) })
    for (const { path, problem } of problems)
      log.warn(
        { path },
        `The policy does not fit the schema in force, so this is denied: ${path}: ${problem}`,
      )
  } catch (error) {
    log.warn({}, `The policy could not be compared with the schema in force: ${reasonOf(error)}`)
  }
}

async function namesOf(authorizer: Authorizer): Promise<SchemaNames> {
  const { definitions, caveats } = await authorizer.reflectSchema([], {
    consistency: { kind: 'fully_consistent' },
  })
  const byName = <Named extends { readonly name: string }>(list: readonly Named[]) =>
    new Map(list.map((one) => [one.name, one]))
  const known = new Map(
    definitions.map(({ name, relations, permissions }) => [
      name,
      {
        relations: byName(relations),
        permissions: byName(permissions),
        members: [...relations, ...permissions].map((member) => member.name),
      },
    ]),
  )
  const parameters = new Set(caveats.flatMap((caveat) => caveat.parameters.map(({ name }) => name)))
  return {
    ...schemaNames({ definitions: known, caveats: new Map() }),
    // Types of parameters are not needed here: values were prepared when the policy was loaded.
    parameterType: (name) =>
      parameters.has(name)
        ? undefined
        : `no caveat has a parameter ${JSON.stringify(name)}${didYouMean(name, parameters)}`,
  }
}
