// The server's tools as this connection knows them: definitions asked for when needed, and those that may be used.

import { isJsonObject } from '../policy/json-object.ts'
import type { ToolDefinition } from '../policy/tool-definition.ts'
import type { Exchange, Server } from './exchange.ts'
import type { UsableTool } from './tool-pins.ts'

/** Most pages of `tools/list` that are asked for. */
const maxPages = 100

export class ServerTools {
  readonly #server: Server
  #definitions: Promise<ReadonlyMap<string, ToolDefinition>> | undefined

  constructor(server: Server) {
    this.#server = server
  }

  /** The tool of this name if it may be used. */
  async find(exchange: Exchange, name: string): Promise<UsableTool | undefined> {
    if (!exchange.policy.tools.has(name)) return undefined
    this.#definitions ??= this.#fetch(exchange).catch((error) => {
      this.#definitions = undefined
      throw error
    })
    const definition = (await this.#definitions).get(name)
    return definition && this.usable(exchange, definition)
  }

  usable(exchange: Exchange, definition: ToolDefinition): UsableTool | undefined {
    return this.#server.core.pins.usable(exchange.policy, definition)
  }

  /** Called when the server says that its tools have changed. */
  forget(): void {
    this.#definitions = undefined
  }

  async #fetch(exchange: Exchange): Promise<ReadonlyMap<string, ToolDefinition>> {
    const definitions = new Map<string, ToolDefinition>()
    let cursor: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const answer = await this.#server.forward(
        exchange,
        'tools/list',
        cursor === undefined ? {} : { cursor },
      )
      if (answer.error) {
        this.#definitions = undefined
        return definitions
      }
      const { tools, nextCursor } = answer.result
      for (const tool of definitionsOf(tools)) definitions.set(tool.name, tool)
      if (typeof nextCursor !== 'string') {
        this.#server.core.pins.tellUnused(exchange.policy, new Set(definitions.keys()))
        break
      }
      cursor = nextCursor
    }
    return definitions
  }
}

/** The entries of `tools` that are definitions. */
export function definitionsOf(tools: unknown): readonly ToolDefinition[] {
  if (!Array.isArray(tools)) return []
  return tools.filter((tool): tool is ToolDefinition => isJsonObject(tool) && typeof tool.name === 'string')
}
