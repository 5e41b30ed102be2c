// Loading result rules: what of a result is checked, kept, counted or fixed.

import {
  type Loading,
  loadDemand,
  loadPath,
  loadPaths,
  loadPattern,
  loadTemplate,
  variables,
} from './load-demand.ts'
import type {
  LoadedItems,
  LoadedLines,
  LoadedResult,
  LoadedRules,
  LoadedSet,
  LoadedTreeRules,
} from './loaded-policy.ts'
import type { FixedResult, ItemsRule, LinesRule, ResultRule, SetRule } from './policy.ts'
import type { PolicyPath } from './problem.ts'

/** Compiles `result` and `text` of a tool. */
export function loadResult(
  loading: Loading,
  result: 'whole' | FixedResult | readonly ResultRule[],
  text: 'mirror' | undefined,
  roots: readonly string[],
  at: PolicyPath,
): LoadedResult {
  const isRules = Array.isArray(result)
  if (text !== undefined && !isRules)
    loading.report([...at, 'text'], 'text: mirror needs result rules; whole and fixed bring their own text')
  if (result === 'whole') return { kind: 'whole' }
  if (!isRules) {
    const { fixed, text: fixedText } = result as FixedResult
    if (fixedText !== undefined && typeof fixed === 'string')
      loading.report([...at, 'result', 'text'], 'a fixed text needs no other; remove one of the two', true)
    return { kind: 'fixed', value: fixed, text: fixedText }
  }
  return loadRules(loading, result, text === 'mirror', roots, [...at, 'result'])
}

/** Compiles a list of result rules. */
export function loadRules(
  loading: Loading,
  rules: readonly ResultRule[],
  mirror: boolean,
  roots: readonly string[],
  at: PolicyPath,
): LoadedRules {
  const structure = emptyTree()
  const json = emptyTree()
  let lines: LoadedLines | undefined
  const sets: { rule: SetRule; at: PolicyPath }[] = []
  rules.forEach((rule, index) => {
    const here = [...at, index]
    if ('lines' in rule) {
      if (lines) loading.report(here, 'there is a lines rule already; write one expression with alternatives')
      lines = loadLines(loading, rule, roots, here)
    } else if ('set' in rule) {
      sets.push({ rule, at: here })
    } else {
      const tree = rule.json === 'text' ? json : structure
      if ('items' in rule) tree.items.push(...loadItems(loading, rule, roots, here))
      else tree.unchecked.push(...loadPaths(loading, rule.unchecked, [...here, 'unchecked']))
    }
  })
  for (const { rule, at: here } of sets) {
    const tree = rule.json === 'text' ? json : structure
    tree.sets.push(...loadSet(loading, rule, tree, [...here, 'set']))
  }
  const isJson = !isEmpty(json)
  if ([mirror, isJson, lines !== undefined].filter(Boolean).length > 1)
    loading.report(at, 'text is given three ways: text: mirror, lines and json: text; choose one of them')
  if (mirror && isEmpty(structure))
    loading.report(at, 'text: mirror needs a rule on the structure, such as items: $.results[*]')
  return {
    kind: 'rules',
    structure: isEmpty(structure) ? undefined : structure,
    json: isJson ? json : undefined,
    lines,
    mirror,
  }
}

type Growing = { -readonly [Key in keyof LoadedTreeRules]: LoadedTreeRules[Key][number][] }

function emptyTree(): Growing {
  return { items: [], unchecked: [], sets: [] }
}

function isEmpty({ items, unchecked, sets }: LoadedTreeRules): boolean {
  return items.length + unchecked.length + sets.length === 0
}

function loadItems(
  loading: Loading,
  rule: ItemsRule,
  roots: readonly string[],
  at: PolicyPath,
): LoadedItems[] {
  if (rule.root && !rule.children)
    loading.report([...at, 'root'], 'root gives the outermost items their parent; it needs children', true)
  needDisclosure(loading, rule, at)
  const outer = variables(roots)
  const root = Object.entries(rule.root ?? {}).flatMap(([name, text]) => {
    const template = loadTemplate(loading, text, outer, [...at, 'root', name])
    return template ? [[name, template] as const] : []
  })
  const known = variables([...roots, 'item', ...(rule.children ? ['parent'] : [])])
  const demand = loadDemand(loading, rule, known, at)
  const items = loadPath(loading, rule.items, [...at, 'items'])
  return items ? [{ ...demand, items, children: rule.children, root, denied: rule.denied ?? 'drop' }] : []
}

function loadLines(
  loading: Loading,
  rule: LinesRule,
  roots: readonly string[],
  at: PolicyPath,
): LoadedLines | undefined {
  needDisclosure(loading, rule, at)
  const pattern = loadPattern(loading, rule.lines, [...at, 'lines'])
  const demand = loadDemand(loading, rule, variables([...roots, 'item', 'match']), at, { hasMatch: true })
  const { unmatched = 'remove', denied = 'drop' } = rule
  return pattern && { ...demand, pattern, unmatched, denied }
}

function needDisclosure({ report }: Loading, rule: ItemsRule | LinesRule, at: PolicyPath): void {
  const shows = rule.denied !== undefined && rule.denied !== 'drop'
  if (shows && rule.discloses !== 'existence')
    report(
      [...at, 'denied'],
      'redact and fail show that something is there; say discloses: existence, or write denied: drop',
    )
  if (!shows && rule.discloses !== undefined)
    report([...at, 'discloses'], 'nothing is disclosed by denied: drop; remove discloses', true)
}

function loadSet(loading: Loading, rule: SetRule, tree: LoadedTreeRules, at: PolicyPath): LoadedSet[] {
  return Object.entries(rule.set).flatMap(([text, value]): LoadedSet[] => {
    const here = [...at, text]
    const path = loadPath(loading, text, here, true)
    if (path && (!path.singular || path.length === 0))
      loading.report(here, `${text} may name several fields, or all; set one field each`, true)
    if (value === 'remove' || value === null) return path ? [{ path, value }] : []
    let count = typeof value === 'object' ? loadPath(loading, value.count, [...here, 'count']) : undefined
    if (value === 'count') {
      if (tree.items.length === 1) count = tree.items[0]!.items
      else
        loading.report(
          here,
          'count needs exactly one items rule; with several, say which things are counted: { count: "$.results[*]" }',
        )
    }
    return path && count ? [{ path, value: { count } }] : []
  })
}
