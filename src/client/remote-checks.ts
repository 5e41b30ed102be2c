// Checks, explanations and the composition of permissions, over a channel.

import type { Authorizer, Read } from '../authorizer/authorizer.ts'
import { missingFromWire, permissionshipFromWire, questionToWire } from '../wire/answers.ts'
import { evidenceFromWire, explanationFromWire } from '../wire/explanation.ts'
import { instantFromWire } from '../wire/instant.ts'
import { ExplainService, PermissionsService } from '../wire/messages.ts'
import { objectToWire } from '../wire/relationships.ts'
import { errorFromStatus } from '../wire/status.ts'
import { evaluatedAtTrailer } from '../wire/trailers.ts'
import { treeFromWire } from '../wire/userset-tree.ts'
import type { Channel } from './channel.ts'
import { type Freshness, required, tokenOf } from './remote.ts'

type Checks = Pick<Authorizer, 'check' | 'checkBulk' | 'expand'>

export function remoteChecks(channel: Channel, fresh: Freshness): Checks {
  const { checkPermission, checkBulkPermissions, expandPermissionTree } = PermissionsService.method
  const { explain, explainBulk } = ExplainService.method
  return {
    async check(question, read = {}) {
      if (read.explain) {
        const { suggest = false } = read
        const request = { consistency: fresh(read), question: questionToWire(question), suggest }
        const response = await channel.unary(explain, request, read)
        const explanation = explanationFromWire(required(response.explanation, 'explanation'))
        const { permissionship, missing } = explanation
        return { permissionship, missing, token: tokenOf(response.checkedAt), explanation }
      }
      const request = { consistency: fresh(read), ...questionToWire(question) }
      const response = await channel.unary(checkPermission, request, read)
      return {
        permissionship: permissionshipFromWire(response.permissionship),
        missing: missingFromWire(response.partialCaveatInfo),
        token: tokenOf(response.checkedAt),
      }
    },

    async checkBulk(questions, read = {}) {
      if (read.explain || read.evidence) {
        const { evidence: wanted = false } = read
        const request = {
          consistency: fresh(read),
          questions: questions.map(questionToWire),
          evidenceOnly: wanted,
        }
        const response = await channel.unary(explainBulk, request, read)
        return {
          token: tokenOf(response.checkedAt),
          evaluatedAtMs: instantFromWire(required(response.evaluatedAt, 'evaluated_at'), 'evaluated_at'),
          answers: sameNumber(questions, response.results).map(({ result }) => {
            if (result.case === 'error') return { error: errorFromStatus(result.value) }
            const message = required(result.value, 'explanation')
            const evidence = evidenceFromWire(message)
            const { permissionship, missing } = evidence
            return wanted
              ? { permissionship, missing, evidence }
              : { permissionship, missing, explanation: explanationFromWire(message) }
          }),
        }
      }
      const request = { consistency: fresh(read), items: questions.map(questionToWire) }
      const { message, trailer } = await channel.answered(checkBulkPermissions, request, read)
      return {
        token: tokenOf(message.checkedAt),
        evaluatedAtMs: Number(trailer(evaluatedAtTrailer) ?? Date.now()),
        answers: sameNumber(questions, message.pairs).map(({ response: answer }) => {
          if (answer.case === 'error') return { error: errorFromStatus(answer.value) }
          const item = required(answer.value, 'item')
          return {
            permissionship: permissionshipFromWire(item.permissionship),
            missing: missingFromWire(item.partialCaveatInfo),
          }
        }),
      }
    },

    async expand(question, read: Read = {}) {
      const request = {
        consistency: fresh(read),
        resource: objectToWire(question.resource),
        permission: question.permission,
      }
      const response = await channel.unary(expandPermissionTree, request, read)
      return {
        token: tokenOf(response.expandedAt),
        tree: treeFromWire(required(response.treeRoot, 'tree_root')),
      }
    },
  }
}

/** Answers are matched to questions by position: one too few would shift grants to other resources. */
function sameNumber<Answer>(questions: readonly unknown[], answers: readonly Answer[]): readonly Answer[] {
  return required(answers.length === questions.length ? answers : undefined, 'an answer to each question')
}
