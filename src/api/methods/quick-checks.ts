// Checks as most are, one or many, without traces: from the bytes of the request straight to those of the answer.

import type { Authorizer, CheckResult, Read } from '../../authorizer/authorizer.ts'
import type { Consistency } from '../../model/revision.ts'
import { readBulkCheck, readCheck, writeBulkCheck, writeCheck } from '../../wire/check-codec.ts'
import { type Call, countOperations, optionsOf, trailerNames } from '../call.ts'
import type { QuickAnswer } from './route.ts'

/** The same answers as those of `checkHandlers`, and the same refusals. */
export function quickChecks(
  authorizer: Authorizer,
): Record<'checkPermission' | 'checkBulkPermissions', QuickAnswer> {
  return {
    checkPermission(request, call) {
      if (call.wantsTrace) return undefined
      const asked = readCheck(request)
      if (asked === undefined) return undefined
      const { question, consistency } = asked
      call.asked = question
      const read = readOf(call, consistency)
      const result = authorizer.checkAtOnce?.(question, read) ?? authorizer.check(question, read)
      return result instanceof Promise ? result.then((late) => answerOf(late, call)) : answerOf(result, call)
    },

    checkBulkPermissions(request, call) {
      const asked = readBulkCheck(request)
      if (asked === undefined) return undefined
      const { questions, consistency } = asked
      call.asked = questions
      return authorizer.checkBulk(questions, readOf(call, consistency)).then((result) => {
        countOperations(call, questions.length)
        call.trailers[trailerNames.evaluatedAtMs] = String(result.evaluatedAtMs)
        return writeBulkCheck(request, asked, result.token, result.answers)
      })
    },
  }
}

function readOf(call: Call, consistency: Consistency | undefined): Read {
  return consistency === undefined ? optionsOf(call) : { ...optionsOf(call), consistency }
}

function answerOf(result: CheckResult, call: Call): Buffer {
  countOperations(call, 1)
  return writeCheck(result.token, result)
}
