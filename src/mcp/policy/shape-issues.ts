// Shape problems in words: what stands at a place, what may stand there, and what was probably meant.

import { z } from 'zod'
import { policyShape, resultRuleKinds } from './policy-shape.ts'
import type { PolicyPath, Report } from './problem.ts'
import { didYouMean } from './suggest-name.ts'

export type ShapeIssue = z.core.$ZodIssue

/** Reports one issue at the place where a person would look. `value` is the whole policy. */
export function reportIssue(issue: ShapeIssue, base: PolicyPath, value: unknown, report: Report): void {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(policyShape, path, valueAt(value, path))
    for (const key of issue.keys)
      report([...path, key], `the key ${JSON.stringify(key)} is unknown${didYouMean(key, known)}`, true)
    return
  }
  const found = valueAt(value, path)
  if (issue.code === 'invalid_union' && found !== undefined) {
    const branch = meantBranch(issue.errors, found)
    if (branch) for (const inner of branch) reportIssue(inner, path, value, report)
    else report(path, noneOf(issue.errors))
  } else if (issue.code === 'invalid_key') {
    for (const inner of issue.issues) report(path, inner.message, true)
  } else if (found === undefined && path.length > 0) {
    report(path, `${path.at(-1)} is missing${expectation(issue)}`)
  } else {
    report(path, path.length === 0 ? `the policy must be an object with keys such as tools` : words(issue))
  }
}

function words(issue: ShapeIssue): string {
  if (issue.code === 'invalid_type') return `must be ${article(issue.expected)}`
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`
  if (issue.code === 'too_small') return 'must not be empty or too small'
  return issue.message.replace(/^Invalid input: /, '').replace(/^Invalid URL$/, 'must be an absolute URL')
}

function expectation(issue: ShapeIssue): string {
  if (issue.code === 'invalid_type') return `; it must be ${article(issue.expected)}`
  if (issue.code === 'invalid_union') return `; it ${noneOf(issue.errors)}`
  return issue.code === 'invalid_value' ? `; it ${words(issue)}` : ''
}

function article(type: string): string {
  const name = type === 'record' ? 'object' : type === 'array' ? 'list' : type
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`
}

/** A list of what each form would have wanted. */
function noneOf(branches: readonly (readonly ShapeIssue[])[]): string {
  const wants = branches.map((issues) => {
    const [issue] = issues
    if (issue?.code === 'invalid_type') return article(issue.expected)
    return issue?.code === 'invalid_value'
      ? issue.values.map((one) => JSON.stringify(one)).join(' or ')
      : undefined
  })
  const known = [...new Set(wants.filter((want) => want !== undefined))]
  return known.length > 0 ? `must be ${known.join(' or ')}` : 'is none of the forms that may stand here'
}

/** The form that was probably meant: of result rules the one whose key is there, else the one of the same kind. */
function meantBranch(
  branches: readonly (readonly ShapeIssue[])[],
  value: unknown,
): readonly ShapeIssue[] | undefined {
  const kinds = Object.keys(resultRuleKinds)
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    branches.length === kinds.length
  ) {
    const index = kinds.findIndex((kind) => Object.hasOwn(value, kind))
    if (index >= 0) return branches[index]
  }
  return branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  )
}

function valueAt(value: unknown, path: PolicyPath): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as { [key: string | number]: unknown })[step]
  }
  return found
}

/** Keys that may stand at `path`. */
function knownKeys(shape: z.core.$ZodType, path: PolicyPath, value: unknown): readonly string[] {
  const inner = unwrap(shape)
  if (inner instanceof z.ZodUnion) {
    const named = Object.entries(resultRuleKinds).find(([kind]) => isMember(value, kind))
    if (named && inner.options.includes(named[1] as never)) return knownKeys(named[1], path, value)
    return inner.options.flatMap((option) => knownKeys(option, path, value))
  }
  const [step, ...rest] = path
  if (step === undefined) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
  if (inner instanceof z.ZodObject) return inner.shape[step] ? knownKeys(inner.shape[step], rest, value) : []
  if (inner instanceof z.ZodRecord) return knownKeys(inner.valueType, rest, value)
  return inner instanceof z.ZodArray ? knownKeys(inner.element, rest, value) : []
}

function isMember(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}

function unwrap(shape: z.core.$ZodType): z.core.$ZodType {
  return shape instanceof z.ZodOptional ? unwrap(shape.unwrap()) : shape
}
