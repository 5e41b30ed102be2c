// The shape of a policy: which keys there are and what may stand there. JSON Schema and loader both come from it.

import { z } from 'zod'
import type { IssuerConfig } from '../tokens/issuer-config.ts'
import type * as policy from './policy.ts'

const text = z.string().min(1)
const texts = z.array(text).min(1)
const path = text.regex(/^\$/, 'must be a JSONPath that begins with $')
const paths = z.array(path).min(1)
const json = z.json()
const one = z.literal(true)
const existence = z.literal('existence')
const texted = z.literal('text')
const asks = z.array(z.enum(['sampling', 'elicitation', 'roots'])).min(1)

const lets = z.record(text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name'), text)
const match = z.union([text, z.record(path, text)])
const when = z.strictObject({
  when: text.optional(),
  let: lets.optional(),
  match: match.optional(),
  all: texts,
})
const demand = {
  let: lets.optional(),
  match: match.optional(),
  all: texts.optional(),
  cases: z.array(when).min(1).optional(),
}
const redact = z.strictObject({ redact: texts, keep: z.array(text) })

const argument = z.strictObject({
  at: path,
  as: z.enum(['path', 'uri']).optional(),
  optional: one.optional(),
  denied: z.enum(['fail', 'drop']).optional(),
  ...demand,
})
const items = z.strictObject({
  items: path,
  json: texted.optional(),
  children: text.optional(),
  root: lets.optional(),
  denied: z.union([z.enum(['drop', 'fail']), redact]).optional(),
  discloses: existence.optional(),
  ...demand,
})
const lines = z.strictObject({
  lines: text,
  unmatched: z.enum(['remove', 'fail']).optional(),
  denied: z.enum(['drop', 'fail']).optional(),
  discloses: existence.optional(),
  ...demand,
})
const counted = z.strictObject({ count: path })
const set = z.strictObject({
  set: z.record(path, z.union([z.enum(['count', 'remove']), z.null(), counted])),
  json: texted.optional(),
})
const unchecked = z.strictObject({ unchecked: paths, json: texted.optional() })
/** The key that tells each kind of result rule from the others. */
export const resultRuleKinds = { items, lines, set, unchecked } as const
const resultRule = z.union([items, lines, set, unchecked])
const whole = z.literal('whole')

const tool = z.strictObject({
  effect: z.enum(['read', 'write']).optional(),
  scopes: texts.optional(),
  public: one.optional(),
  definition: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
    .optional(),
  also: texts.optional(),
  unchecked: z.array(text).optional(),
  arguments: z.array(argument).min(1).optional(),
  result: z.union([
    whole,
    z.strictObject({ fixed: json, text: text.optional() }),
    z.array(resultRule).min(1),
  ]),
  text: z.literal('mirror').optional(),
  after: z
    .array(
      z.strictObject({
        each: path,
        of: z.enum(['result', 'arguments']).optional(),
        create: text.optional(),
        delete: text.optional(),
      }),
    )
    .min(1)
    .optional(),
  inject: z.record(path, text).optional(),
  repeatable: one.optional(),
  refill: z
    .strictObject({
      cursor: path,
      next: path,
      items: path,
      want: z.int().min(1).max(10_000),
      max_calls: z.int().min(1).max(100),
    })
    .optional(),
  asks: asks.optional(),
  progress: z.enum(['numbers', 'message']).optional(),
  logs: z.enum(['drop', 'pass']).optional(),
  tasks: one.optional(),
})

const resource = z.strictObject({
  uri: text,
  as: z.enum(['path', 'uri']).optional(),
  scopes: texts.optional(),
  result: z.union([whole, z.array(resultRule).min(1)]).optional(),
  public: one.optional(),
  ...demand,
})
const prompt = z.strictObject({
  scopes: texts.optional(),
  public: one.optional(),
  also: texts.optional(),
  unchecked: z.array(text).optional(),
  arguments: z.array(argument).min(1).optional(),
  result: whole,
  asks: asks.optional(),
})
const completion = z.strictObject({
  prompt: text.optional(),
  resource: text.optional(),
  argument: text,
  public: one.optional(),
  ...demand,
})

/** Issuers are checked by the tokens room; here only that they are objects with an issuer. */
const issuer = z.looseObject({ issuer: text }) as unknown as z.ZodType<IssuerConfig>

/** A policy as written. Every object is strict: an unknown key is an error. */
export const policyShape = z.strictObject({
  resource: z.url().optional(),
  issuers: z.array(issuer).min(1).optional(),
  also: texts.optional(),
  authorization_details: z
    .record(text, z.strictObject({ each: path.optional(), covers: texts, actions: z.record(text, texts) }))
    .optional(),
  root: z.union([text, texts]).optional(),
  symlinks: z.enum(['resolved', 'trusted']).optional(),
  context: z
    .record(text, z.union([text, z.strictObject({ from: text, untrusted: one.optional() })]))
    .optional(),
  max_staleness: text.optional(),
  trust_on_first_use: z.boolean().optional(),
  observe: z
    .strictObject({
      until: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date such as 2027-01-31'),
      tools: texts.optional(),
    })
    .optional(),
  tools: z.record(text, tool).optional(),
  resources: z.array(resource).min(1).optional(),
  prompts: z.record(text, prompt).optional(),
  completions: z.array(completion).min(1).optional(),
  instructions: z.boolean().optional(),
  logging: z.enum(['drop', 'pass']).optional(),
}) satisfies z.ZodType<policy.Policy>

/** Holds the twin to the shape: every policy that TypeScript accepts is one that the shape knows. */
type Accepts<Wide, Narrow extends Wide> = Narrow
export type PolicyTwin = Accepts<ReadonlyDeep<z.input<typeof policyShape>>, policy.Policy>
type ReadonlyDeep<T> = T extends (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T
