// Checks: one, many, and the composition of a permission.

import type { Authorizer, BulkAnswer } from '../../authorizer/authorizer.ts'
import type { Explanation } from '../../model/decision.ts'
import type { SubjectRef } from '../../model/reference.ts'
import { missingToWire, permissionshipToWire, questionFromWire } from '../../wire/answers.ts'
import { debugInformationToWire } from '../../wire/debug-trace.ts'
import { convertEach } from '../../wire/invalid-field.ts'
import type { CheckBulkPermissionsRequestItem, PermissionsService } from '../../wire/messages.ts'
import { nameFromWire, objectFromWire } from '../../wire/relationships.ts'
import { statusFromError } from '../../wire/status.ts'
import { treeToWire } from '../../wire/userset-tree.ts'
import { type Call, countOperations, optionsOf, readOptions, trailerNames } from '../call.ts'
import type { Handlers } from './route.ts'

type CheckHandlers = Pick<
  Handlers<typeof PermissionsService>,
  'checkPermission' | 'checkBulkPermissions' | 'expandPermissionTree'
>

export function checkHandlers(authorizer: Authorizer): CheckHandlers {
  return {
    checkPermission: async (request, call) => {
      const explain = request.withTracing || call.wantsTrace
      const question = questionFromWire(request)
      call.asked = [question]
      const read = readOptions(call, request.consistency)
      const result = await authorizer.check(question, explain ? { ...read, explain } : read)
      countOperations(call, 1)
      return {
        checkedAt: { token: result.token },
        permissionship: permissionshipToWire(result.permissionship),
        partialCaveatInfo: missingToWire(result),
        debugTrace:
          result.explanation &&
          (await traceOf(authorizer, call, result.token, question.subject, result.explanation)),
      }
    },

    checkBulkPermissions: async (request, call) => {
      const explain = request.withTracing
      const questions = convertEach(request.items, 'items', questionFromWire)
      call.asked = questions
      const read = readOptions(call, request.consistency)
      const result = await authorizer.checkBulk(questions, explain ? { ...read, explain } : read)
      countOperations(call, questions.length)
      call.trailers[trailerNames.evaluatedAtMs] = String(result.evaluatedAtMs)
      const schemaText = explain ? await schemaTextAt(authorizer, call, result.token) : ''
      return {
        checkedAt: { token: result.token },
        pairs: result.answers.map((answer, at) => ({
          request: echoed(request.items[at]!),
          response: itemToWire(answer, questions[at]!.subject, schemaText),
        })),
      }
    },

    expandPermissionTree: async (request, call) => {
      const resource = objectFromWire(request.resource, 'resource')
      const permission = nameFromWire(request.permission, 'permission')
      const read = readOptions(call, request.consistency)
      const { token, tree } = await authorizer.expand({ resource, permission }, read)
      countOperations(call, 1)
      return { expandedAt: { token }, treeRoot: treeToWire(tree) }
    },
  }
}

/** An item as it was asked, without a context that says nothing. */
function echoed(item: CheckBulkPermissionsRequestItem): CheckBulkPermissionsRequestItem {
  if (item.context !== undefined && Object.keys(item.context).length === 0) item.context = undefined
  return item
}

function itemToWire(answer: BulkAnswer, subject: SubjectRef, schemaText: string) {
  if (answer.error !== undefined) return { case: 'error' as const, value: statusFromError(answer.error) }
  return {
    case: 'item' as const,
    value: {
      permissionship: permissionshipToWire(answer.permissionship),
      partialCaveatInfo: missingToWire(answer),
      debugTrace: answer.explanation && debugInformationToWire(answer.explanation, subject, schemaText),
    },
  }
}

async function traceOf(
  authorizer: Authorizer,
  call: Call,
  token: string,
  subject: SubjectRef,
  explanation: Explanation,
) {
  return debugInformationToWire(explanation, subject, await schemaTextAt(authorizer, call, token))
}

async function schemaTextAt(authorizer: Authorizer, call: Call, token: string): Promise<string> {
  const schema = await authorizer.readSchema({
    ...optionsOf(call),
    consistency: { kind: 'at_exact_snapshot', token },
  })
  return schema.text
}
