// Text that is filtered line by line: each line matches a whole expression or goes.

import { isDenial } from './ask.ts'
import type { LoadedLines } from './loaded-policy.ts'
import type { Asking, Filter } from './plan-tree.ts'
import { resolveDemand } from './resolve-demand.ts'
import type { Scope } from './scope.ts'

interface Line {
  readonly text: string
  readonly from: number
  readonly to: number
  readonly fate: 'ask' | 'unmatched' | 'refused'
}

/**
 * Plans one text block (policy format, 3.6). Only a newline ends a line, and the expression sees no newline, so a
 * name that holds one is two lines, neither of which may pass unless it matches and is granted by itself.
 */
export function planLines(
  rule: LoadedLines,
  text: string,
  scope: Scope,
  asking: Asking,
  at: string,
): Filter<string> {
  const terminated = text.endsWith('\n')
  const texts = text === '' ? [] : (terminated ? text.slice(0, -1) : text).split('\n')
  const lines = texts.map((line, index): Line => {
    const place = `${at} line ${index + 1}`
    const from = asking.asks.length
    const match = rule.pattern.match(line)
    if (match === undefined) return { text: line, from, to: from, fate: 'unmatched' }
    const demand = resolveDemand(rule, line, scope.withRoots({ item: line, match }), asking.setting, place)
    if (isDenial(demand)) {
      asking.refused.push(`${place}: ${demand.denied}`)
      return { text: line, from, to: from, fate: 'refused' }
    }
    for (const ask of demand.asks) asking.asks.push(ask)
    return { text: line, from, to: asking.asks.length, fate: 'ask' }
  })
  return (granted) => {
    const kept: string[] = []
    for (const { text: line, from, to, fate } of lines) {
      const has =
        fate === 'ask' && to <= granted.length && granted.slice(from, to).every((one) => one === true)
      if (has) kept.push(line)
      else if (fate === 'unmatched' ? rule.unmatched === 'fail' : rule.denied === 'fail') return undefined
    }
    return kept.length === 0 ? '' : kept.join('\n') + (terminated ? '\n' : '')
  }
}
