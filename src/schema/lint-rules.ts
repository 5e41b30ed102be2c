// The linter's rules, in the order of the documentation.

import { expressionRules } from './lint-expression-rules.ts'
import { namingRules } from './lint-naming-rules.ts'
import { reachRules } from './lint-reach-rules.ts'
import type { LintRule } from './lint-rule.ts'

export const lintRules: readonly LintRule[] = [...namingRules, ...expressionRules, ...reachRules]
