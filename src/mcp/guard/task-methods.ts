// tasks/*: only the caller's own, and a result is filtered when it is fetched, whatever was granted when it began.

import type { JsonObject } from '../../model/context.ts'
import { isDenial } from '../policy/ask.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { checkArguments, finishTool } from './call-tool.ts'
import type { Exchange } from './exchange.ts'
import { notFound, scopesMissing, unknownTask } from './fixed-answers.ts'
import type { Answer } from './message.ts'
import { failed, pageOf } from './read-resource.ts'
import { plainTask } from './tasks.ts'

const relatedTask = 'io.modelcontextprotocol/related-task'

/** tasks/get and tasks/cancel. */
export async function touchTask(exchange: Exchange): Promise<Answer> {
  const task = exchange.core.tasks.of(exchange.params.taskId, exchange)
  if (task === undefined)
    return exchange.settle(unknownTask, 'denied', 'the task is unknown or of another principal')
  exchange.record.tool = task.tool.rule.name
  const answer = await exchange.forward(exchange.params)
  if (answer.error) return failed(exchange, answer.error, unknownTask)
  return exchange.settle({ result: plainTask(answer.result) }, 'allowed')
}

/** tasks/list: only the caller's own. */
export async function listTasks(exchange: Exchange, page: JsonObject): Promise<Answer> {
  const answer = await exchange.forward(page)
  if (answer.error) return failed(exchange, answer.error)
  const tasks = (Array.isArray(answer.result.tasks) ? answer.result.tasks : []).filter(isJsonObject)
  const own = tasks.filter(({ taskId }) => exchange.core.tasks.of(taskId, exchange) !== undefined)
  const result = { tasks: own.map(plainTask), ...pageOf(answer.result.nextCursor) }
  return exchange.settle({ result }, own.length === tasks.length ? 'allowed' : 'filtered')
}

/** tasks/result: asked anew about the arguments, and filtered by the relationships of this moment. */
export async function taskResult(exchange: Exchange): Promise<Answer> {
  const { params, core, record } = exchange
  const task = core.tasks.of(params.taskId, exchange)
  if (task === undefined)
    return exchange.settle(unknownTask, 'denied', 'the task is unknown or of another principal')
  const { tool, args } = task
  record.tool = tool.rule.name
  record.toolHash = tool.hash
  record.effect = tool.rule.effect
  exchange.allow(tool.rule)
  if (exchange.missingScopes(tool.rule.scopes))
    return exchange.settle(
      scopesMissing(tool.rule.scopes),
      'denied',
      `the token lacks one of ${tool.rule.scopes.join(' ')}`,
    )
  const decided = await checkArguments(exchange, tool, args)
  if (isDenial(decided)) return exchange.settle(notFound, 'denied', decided.denied)
  const answer = await exchange.forward(params)
  const finished = await finishTool(exchange, tool, args, answer)
  if (finished.error) return finished
  return { result: { ...finished.result, _meta: { [relatedTask]: { taskId: String(params.taskId) } } } }
}
