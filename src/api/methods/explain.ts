// Explanations: checks with their reasons, in our own words.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { questionFromWire } from '../../wire/answers.ts'
import { explanationToWire } from '../../wire/explanation.ts'
import { instantToWire } from '../../wire/instant.ts'
import { convertEach, missingField } from '../../wire/invalid-field.ts'
import type { ExplainService } from '../../wire/messages.ts'
import { statusFromError } from '../../wire/status.ts'
import { countOperations, readOptions } from '../call.ts'
import type { Handlers } from './route.ts'

export function explainHandlers(authorizer: Authorizer): Handlers<typeof ExplainService> {
  return {
    explain: async (request, call) => {
      if (request.question === undefined) throw missingField('question')
      const [question] = convertEach([request.question], 'question', questionFromWire)
      call.asked = [question!]
      const read = readOptions(call, request.consistency)
      const { token, explanation } = await authorizer.check(question!, {
        ...read,
        explain: true,
        suggest: request.suggest,
      })
      countOperations(call, 1)
      return { checkedAt: { token }, explanation: explanation && explanationToWire(explanation) }
    },

    explainBulk: async (request, call) => {
      const questions = convertEach(request.questions, 'questions', questionFromWire)
      call.asked = questions
      const read = readOptions(call, request.consistency)
      const wanted = request.evidenceOnly ? { evidence: true } : { explain: true }
      const result = await authorizer.checkBulk(questions, { ...read, ...wanted })
      countOperations(call, questions.length)
      return {
        checkedAt: { token: result.token },
        evaluatedAt: instantToWire(result.evaluatedAtMs),
        results: result.answers.map((answer) => {
          if (answer.error !== undefined)
            return { result: { case: 'error', value: statusFromError(answer.error) } }
          const { explanation = answer.evidence } = answer
          if (explanation === undefined)
            throw new CardeaError('INTERNAL', 'An explanation was asked for and not given.')
          return { result: { case: 'explanation', value: explanationToWire(explanation) } }
        }),
      }
    },
  }
}
