// Tasks: whose they are and what they were asked to do, so that a result fetched later is filtered like any other.

import type { JsonObject } from '../../model/context.ts'
import { principalKey } from '../http/sessions.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { GuardedConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { Answer } from './message.ts'
import type { UsableTool } from './tool-pins.ts'

export interface BoundTask {
  readonly owner: string
  readonly tool: UsableTool
  readonly args: JsonObject
}

const maxTasks = 100_000

/** All tasks that were begun through one guard. The oldest are forgotten first, and are then nobody's. */
export class Tasks {
  readonly #tasks = new Map<string, BoundTask>()

  /** Binds a task to the caller of the exchange that began it. */
  bind(taskId: string, exchange: Exchange, tool: UsableTool, args: JsonObject): void {
    if (this.#tasks.has(taskId)) return
    if (this.#tasks.size >= maxTasks) this.#tasks.delete(this.#tasks.keys().next().value!)
    this.#tasks.set(taskId, { owner: principalKey(exchange.principal), tool, args })
  }

  /** The task, if it is this caller's. */
  of(taskId: unknown, exchange: Exchange): BoundTask | undefined {
    const task = typeof taskId === 'string' ? this.#tasks.get(taskId) : undefined
    return task?.owner === principalKey(exchange.principal) ? task : undefined
  }

  /** Passes a status notification on to the task's owner. */
  async status(connection: GuardedConnection, params: JsonObject): Promise<void> {
    const { principal, core } = connection
    const task = typeof params.taskId === 'string' ? this.#tasks.get(params.taskId) : undefined
    if (
      !task ||
      !principal ||
      task.owner !== principalKey(principal) ||
      principal.expiresAtMs <= core.clock()
    )
      return
    await connection.emit({ jsonrpc: '2.0', method: 'notifications/tasks/status', params: plainTask(params) })
  }
}

/** The members of a task that say nothing about its content; `statusMessage` may say anything. */
export function plainTask(task: JsonObject): JsonObject {
  const known = ['taskId', 'status', 'ttl', 'createdAt', 'lastUpdatedAt', 'pollInterval']
  return Object.fromEntries(known.filter((key) => Object.hasOwn(task, key)).map((key) => [key, task[key]!]))
}

/** Whether the answer to a call is a task that was begun; if so it is bound and shown without its texts. */
export function beginTask(
  exchange: Exchange,
  tool: UsableTool,
  args: JsonObject,
  result: JsonObject,
): Answer | undefined {
  const { task } = result
  if (exchange.params.task === undefined || !isJsonObject(task) || typeof task.taskId !== 'string')
    return undefined
  exchange.core.tasks.bind(task.taskId, exchange, tool, args)
  return { result: { task: plainTask(task) } }
}
