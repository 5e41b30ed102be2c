// Issuers, loaded: every rule of the policy's section 1 is checked before the first token is looked at.

import { Environment } from '@marcbachmann/cel-js'
import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import { parseDuration } from './duration.ts'
import { compileIdentityTemplate, type IdentityTemplate, mayCollide } from './identity-template.ts'
import type { IntrospectionConfig, IssuerConfig } from './issuer-config.ts'

/** `true`, `false`, or the sentence of the evaluation error, which counts as not true. */
export type ClaimsCondition = (claims: JsonObject) => boolean | string

/** One issuer, checked and with its defaults filled in. */
export interface Issuer {
  readonly issuer: string
  readonly name: string
  readonly user?: { readonly when: ClaimsCondition; readonly template: IdentityTemplate }
  readonly service?: { readonly when: ClaimsCondition; readonly template: IdentityTemplate }
  readonly agents: readonly IdentityTemplate[]
  readonly maxTokenAgeMs: number
  readonly typ: 'at+jwt' | 'any'
  readonly algorithms: readonly string[]
  readonly clockLeewayMs: number
  readonly otherAudiences: 'refuse' | 'allow'
  readonly network: 'public' | 'private' | 'loopback'
  readonly introspection?: IntrospectionConfig & { readonly cacheMs: number }
  readonly tokenExchange?: IssuerConfig['token_exchange']
}

/** What is wrong with the `issuers` part of a policy, and where: `issuers[0].subject`. */
export interface IssuerProblem {
  readonly path: string
  readonly problem: string
}

/** Signature algorithms that may be allowed: asymmetric ones, so that a public key never verifies its own forgery. */
export const asymmetricAlgorithms: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
]

/** Keys of {@link IssuerConfig}. */
const knownKeys: ReadonlySet<string> = new Set<keyof IssuerConfig>([
  'issuer',
  'name',
  'user_when',
  'subject',
  'service_when',
  'service',
  'agent',
  'max_token_age',
  'typ',
  'algorithms',
  'clock_leeway',
  'other_audiences',
  'network',
  'introspection',
  'token_exchange',
])

const maxClockLeewayMs = 60_000
const conditions = new Environment({ unlistedVariablesAreDyn: false }).registerVariable(
  'claims',
  'map<string, dyn>',
)

/**
 * Checks and loads the issuers of a policy. Throws CONFIG_INVALID that lists every problem with its place;
 * {@link checkIssuers} gives the same as data.
 */
export function loadIssuers(configs: readonly IssuerConfig[]): readonly Issuer[] {
  const { issuers, problems } = checkIssuers(configs)
  if (problems.length > 0) {
    const list = problems.map(({ path, problem }) => `${path}: ${problem}.`).join('\n')
    throw new CardeaError('CONFIG_INVALID', list, { path: problems[0]!.path })
  }
  return issuers
}

/** Checks the issuers of a policy. `issuers` counts only if there are no problems. */
export function checkIssuers(configs: readonly IssuerConfig[]): {
  readonly issuers: readonly Issuer[]
  readonly problems: readonly IssuerProblem[]
} {
  const problems: IssuerProblem[] = []
  if (configs.length === 0) problems.push({ path: 'issuers', problem: 'name at least one issuer' })
  const issuers = configs.map((config, index) => loadIssuer(config, `issuers[${index}]`, problems))
  checkTogether(configs, issuers, problems)
  return { issuers, problems }
}

function loadIssuer(config: IssuerConfig, at: string, problems: IssuerProblem[]): Issuer {
  const report = (key: string, problem: string) => problems.push({ path: `${at}.${key}`, problem })
  for (const key of Object.keys(config)) {
    if (!knownKeys.has(key)) report(key, `is no setting of an issuer; there are ${[...knownKeys].join(', ')}`)
  }
  const network = config.network ?? 'public'
  if (!['public', 'private', 'loopback'].includes(network))
    report('network', 'must be public, private or loopback')
  const issuerProblem = checkIssuerUri(config.issuer, network)
  if (issuerProblem) report('issuer', issuerProblem)
  const name = config.name ?? 'issuer'
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) report('name', 'must be 1 to 64 of A-Z a-z 0-9 _ -')

  const duration = (key: 'max_token_age' | 'clock_leeway', fallback: string): number => {
    try {
      return parseDuration(config[key] ?? fallback, `${at}.${key}`)
    } catch {
      report(key, `${JSON.stringify(config[key])} is no duration; write 90s, 15m or 1h`)
      return 0
    }
  }
  const clockLeewayMs = config.clock_leeway === '0s' ? 0 : duration('clock_leeway', '30s')
  if (clockLeewayMs > maxClockLeewayMs) report('clock_leeway', 'may be 60s at most')

  const template = (key: string, text: string): IdentityTemplate | undefined => {
    const compiled = compileIdentityTemplate(text, name)
    if (typeof compiled !== 'string') return compiled
    report(key, compiled)
    return undefined
  }
  const kind = (whenKey: 'user_when' | 'service_when', templateKey: 'subject' | 'service') => {
    const [whenText, templateText] = [config[whenKey], config[templateKey]]
    if (whenText === undefined && templateText === undefined) return undefined
    if (whenText === undefined || templateText === undefined) {
      report(
        whenText === undefined ? whenKey : templateKey,
        `is missing; ${whenKey} and ${templateKey} go together`,
      )
      return undefined
    }
    const compiled = template(templateKey, templateText)
    const when = compileCondition(whenText)
    if (typeof when === 'string') report(whenKey, when)
    return compiled && typeof when !== 'string' ? { when, template: compiled } : undefined
  }
  const user = kind('user_when', 'subject')
  const service = kind('service_when', 'service')
  if (config.subject === undefined && config.service === undefined)
    report(
      'subject',
      'is missing; without user_when and subject, or service_when and service, no token could pass',
    )

  const algorithms = config.algorithms ?? asymmetricAlgorithms
  if (algorithms.length === 0) report('algorithms', 'must name at least one algorithm')
  for (const algorithm of algorithms) {
    if (!asymmetricAlgorithms.includes(algorithm))
      report(
        'algorithms',
        `${JSON.stringify(algorithm)} is not allowed; choose from ${asymmetricAlgorithms.join(', ')}`,
      )
  }
  const typ = config.typ ?? 'at+jwt'
  if (typ !== 'at+jwt' && typ !== 'any') report('typ', 'must be at+jwt or any')
  const otherAudiences = config.other_audiences ?? 'refuse'
  if (otherAudiences !== 'refuse' && otherAudiences !== 'allow')
    report('other_audiences', 'must be refuse or allow')
  let introspection: Issuer['introspection']
  if (config.introspection) {
    const { client_id, client_secret, cache } = config.introspection
    if (!client_id || !client_secret) report('introspection', 'needs client_id and client_secret')
    try {
      const cacheMs = cache === '0s' ? 0 : parseDuration(cache ?? '10s', `${at}.introspection.cache`)
      introspection = { client_id, client_secret, cacheMs }
    } catch {
      report('introspection.cache', `${JSON.stringify(cache)} is no duration; write 0s, 10s or 1m`)
    }
  }
  if (config.token_exchange && !(config.token_exchange.client_id && config.token_exchange.client_secret))
    report('token_exchange', 'needs client_id and client_secret')
  return {
    issuer: config.issuer,
    name,
    user,
    service,
    agents: (config.agent ?? []).flatMap((text, index) => template(`agent[${index}]`, text) ?? []),
    maxTokenAgeMs: duration('max_token_age', '1h'),
    typ,
    algorithms,
    clockLeewayMs,
    otherAudiences,
    network,
    introspection,
    tokenExchange: config.token_exchange,
  }
}

function checkIssuerUri(issuer: string, network: string): string | undefined {
  if (typeof issuer !== 'string' || !URL.canParse(issuer))
    return `${JSON.stringify(issuer)} is no absolute URL`
  const url = new URL(issuer)
  if (url.search !== '' || url.hash !== '' || issuer.includes('?') || issuer.includes('#'))
    return 'may have neither query nor fragment (RFC 8414 section 2)'
  if (url.username !== '' || url.password !== '') return 'may hold no user name and no password'
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && network === 'loopback'))
    return 'must be https; plain http needs network: loopback and a loopback address'
  return undefined
}

function compileCondition(text: string): ClaimsCondition | string {
  try {
    const expression = conditions.parse(text)
    const checked = expression.check()
    if (!checked.valid) return checked.error?.message ?? 'does not type-check'
    if (checked.type !== 'bool' && checked.type !== 'dyn') return `answers ${checked.type}, not true or false`
    return (claims) => {
      try {
        return expression({ claims }) === true
      } catch (error) {
        return (error as Error).message.split('\n')[0]!
      }
    }
  } catch (error) {
    return (error as Error).message
  }
}

/** The rules between templates: kinds never share a type, and no two sources of an id can give the same one. */
function checkTogether(
  configs: readonly IssuerConfig[],
  issuers: readonly Issuer[],
  problems: IssuerProblem[],
): void {
  const placed = issuers.flatMap((issuer, index) => [
    ...(issuer.user
      ? [{ kind: 'user', index, path: `issuers[${index}].subject`, template: issuer.user.template }]
      : []),
    ...(issuer.service
      ? [{ kind: 'service', index, path: `issuers[${index}].service`, template: issuer.service.template }]
      : []),
    ...issuer.agents.map((template, place) => ({
      kind: 'agent',
      index,
      path: `issuers[${index}].agent[${place}]`,
      template,
    })),
  ])
  placed.forEach((one, position) => {
    const report = (problem: string) => problems.push({ path: one.path, problem })
    if (configs.length > 1 && !one.template.namesIssuer)
      report('must name {issuer}, since there are several issuers and two may know the same claim values')
    for (const other of placed.slice(0, position)) {
      if (one.kind !== other.kind && one.template.type === other.template.type)
        report(
          `gives the type ${one.template.type} to a ${one.kind}, but ${other.path} gives it to a ${other.kind}`,
        )
      else if (one.kind === other.kind && mayCollide(one.template, other.template))
        report(
          `could give the same id as ${other.path}; let the two begin differently, as in agent:act/… and agent:client/…` +
            (one.index === other.index ? '' : ', with {issuer} before the first claim'),
        )
    }
  })
  configs.forEach((config, index) => {
    const report = (key: string, problem: string) =>
      problems.push({ path: `issuers[${index}].${key}`, problem })
    if (configs.length > 1 && config.name === undefined)
      report('name', 'is missing; with several issuers each needs a short name for {issuer}')
    const earlier = configs.slice(0, index)
    if (earlier.some(({ issuer }) => issuer === config.issuer)) report('issuer', 'is named twice')
    if (config.name !== undefined && earlier.some(({ name }) => name === config.name))
      report('name', 'is used twice')
    if (config.introspection && earlier.some(({ introspection }) => introspection))
      report(
        'introspection',
        'may be set for one issuer only, since an opaque token does not say whose it is',
      )
  })
}
