// Asks a system one question and compares what it says with the reference evaluator.

import type { ReferenceEvaluator } from './evaluator.ts'
import { type Complaint, judgeCheck, judgeResources, judgeSubjects, judgeTree } from './judge.ts'
import type { AnyQuestion, Said } from './questions.ts'
import type { System } from './system.ts'

export async function ask(system: System, question: AnyQuestion): Promise<Said<unknown>> {
  switch (question.kind) {
    case 'check':
      return system.check(question)
    case 'lookup-resources':
      return system.lookupResources(question)
    case 'lookup-subjects':
      return system.lookupSubjects(question)
    case 'expand':
      return system.expand(question)
  }
}

/**
 * `exact`: as Cardea must answer. `meaning`: as SpiceDB may: it names a missing parameter once per occurrence, joins
 * the names along the paths that a lookup happened to walk, and lists subjects as it finds them beside a wildcard.
 */
export type Rigour = 'exact' | 'meaning'

export function judge(
  reference: ReferenceEvaluator,
  question: AnyQuestion,
  said: Said<unknown>,
  rigour: Rigour,
): Complaint {
  const isExact = rigour === 'exact'
  switch (question.kind) {
    case 'check':
      return judgeCheck(reference, question, said as never, { names: isExact ? 'exact' : 'same' })
    case 'lookup-resources':
      return judgeResources(reference, question, said as never, { names: isExact ? 'exact' : 'any' })
    case 'lookup-subjects':
      return judgeSubjects(reference, question, said as never, {
        names: isExact ? 'exact' : 'any',
        listedEqualsCheck: isExact,
      })
    case 'expand':
      return judgeTree(reference, question, said as never)
  }
}
