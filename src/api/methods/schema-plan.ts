// Schema plans: what a schema write would do.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { questionFromWire } from '../../wire/answers.ts'
import { convertEach } from '../../wire/invalid-field.ts'
import type { SchemaPlanService } from '../../wire/messages.ts'
import { planToWire } from '../../wire/schema-plan.ts'
import { countOperations, optionsOf } from '../call.ts'
import type { Handlers } from './route.ts'

export function schemaPlanHandlers(authorizer: Authorizer): Handlers<typeof SchemaPlanService> {
  return {
    planSchema: async (request, call) => {
      const { schema, sample, withoutSample } = request
      const plan = await authorizer.planSchema(schema, {
        ...optionsOf(call),
        questions: convertEach(request.questions, 'questions', questionFromWire),
        ...(withoutSample ? { sample: 0 } : sample > 0 && { sample }),
      })
      countOperations(call, plan.asked)
      return planToWire(plan)
    },
  }
}
