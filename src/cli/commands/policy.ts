// cardea policy lint|suggest: whether a policy is sound, and a first draft of one from what a server says of its tools.

import type { Command } from 'commander'
import { isJsonObject } from '../../mcp/policy/json-object.ts'
import type { PolicyProblem } from '../../mcp/policy/problem.ts'
import type { ToolDefinition } from '../../mcp/policy/tool-definition.ts'
import type { JsonObject, JsonValue } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import { exitCode } from '../exit-code.ts'
import { checkedSchemaFile, readInput } from '../schema-file.ts'

interface ToolSource {
  readonly tools?: string
}

/** A server that takes longer than this to say what it can do is taken for stuck. */
const maxAnswerMs = 30_000

async function lint(
  file: string,
  server: readonly string[],
  options: ToolSource & { schema?: string; strict?: boolean; json?: boolean },
): Promise<void> {
  const schema = options.schema === undefined ? undefined : checkedSchemaFile(options.schema)?.schema
  if (options.schema !== undefined && schema === undefined) return
  const tools = await toolsFrom(server, options)
  // Loaded here: no other command should wait for it.
  const { lintPolicy } = await import('../../mcp/policy/lint-policy.ts')
  const { formatProblem } = await import('../../mcp/policy/problem.ts')
  const { problems, warnings } = lintPolicy(readInput(file), { nowMs: Date.now(), schema, tools })
  if (options.json) process.stdout.write(`${JSON.stringify({ problems, warnings })}\n`)
  else {
    const print = (kind: string, list: readonly PolicyProblem[]) => {
      for (const one of list) process.stdout.write(`${kind}: ${formatProblem(one, file)}\n`)
    }
    print('problem', problems)
    print('warning', warnings)
    if (problems.length > 0) process.stdout.write(`${file} does not load: ${count(problems, 'problem')}\n`)
    else process.stdout.write(`${file} loads; ${count(warnings, 'warning')}${unasked(schema, tools)}\n`)
  }
  const worrying = options.strict === true && warnings.length > 0
  if (problems.length > 0 || worrying) process.exitCode = exitCode.failed
}

const count = ({ length }: readonly unknown[], what: string) => `${length} ${what}${length === 1 ? '' : 's'}`

/** What was not compared, for want of what to compare with. */
function unasked(schema: unknown, tools: unknown): string {
  const missing = [
    ...(schema === undefined ? ['types and permissions with a schema (--schema FILE)'] : []),
    ...(tools === undefined
      ? ['tools and arguments with a server (--tools FILE, or -- and its command)']
      : []),
  ]
  return missing.length === 0 ? '' : `. Not compared: ${missing.join('; ')}`
}

async function suggest(
  server: readonly string[],
  options: ToolSource & { schema?: string; samples?: string },
): Promise<void> {
  const schema = options.schema === undefined ? undefined : checkedSchemaFile(options.schema)?.schema
  if (options.schema !== undefined && schema === undefined) return
  const tools = await toolsFrom(server, options)
  if (tools === undefined)
    throw new CardeaError(
      'CONFIG_INVALID',
      'Say which tools: --tools FILE with the answer to tools/list, or -- and the command that starts the server.',
    )
  const samples = options.samples === undefined ? undefined : samplesOf(options.samples, tools)
  const { suggestPolicy } = await import('../../mcp/policy/suggest-policy.ts')
  process.stdout.write(suggestPolicy(tools, { schema, samples }))
}

/** The definitions of a file or of a server that is started for the question; undefined when neither is named. */
async function toolsFrom(
  server: readonly string[],
  { tools: file }: ToolSource,
): Promise<readonly ToolDefinition[] | undefined> {
  if (file !== undefined && server.length > 0)
    throw new CardeaError('CONFIG_INVALID', 'Name the tools once: with --tools, or with a command after --.')
  if (file !== undefined) {
    const value = jsonOf(file)
    const list = isJsonObject(value) ? (isJsonObject(value.result) ? value.result.tools : value.tools) : value
    if (!Array.isArray(list) || !list.every((one) => isJsonObject(one) && typeof one.name === 'string'))
      throw new CardeaError(
        'CONFIG_INVALID',
        `--tools ${file}: it must be the answer to tools/list, { "tools": [{ "name": ... }] }, or the list alone.`,
      )
    return list as unknown as readonly ToolDefinition[]
  }
  return server.length === 0 ? undefined : askServer(server)
}

/** Starts a server over stdio, asks it for its tools, all pages of them, and ends it. */
async function askServer([command, ...args]: readonly string[]): Promise<readonly ToolDefinition[]> {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  const client = new Client({ name: 'cardea policy', version: '1' })
  const tools: ToolDefinition[] = []
  try {
    await client.connect(new StdioClientTransport({ command: command!, args, stderr: 'inherit' }), {
      timeout: maxAnswerMs,
    })
    let cursor: string | undefined
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: maxAnswerMs })
      tools.push(...(page.tools as unknown as ToolDefinition[]))
      cursor = page.nextCursor
    } while (cursor !== undefined)
  } catch (cause) {
    throw new CardeaError(
      'UNAVAILABLE',
      `The server ${command} did not say which tools it has: ${(cause as Error).message}`,
      {},
      { cause },
    )
  } finally {
    await client.close()
  }
  return tools
}

function samplesOf(file: string, tools: readonly ToolDefinition[]): { readonly [tool: string]: JsonObject } {
  const samples = jsonOf(file)
  if (!isJsonObject(samples))
    throw new CardeaError(
      'CONFIG_INVALID',
      `--samples ${file}: it must be an object of tools/call results by tool name.`,
    )
  for (const [name, sample] of Object.entries(samples)) {
    if (!tools.some((tool) => tool.name === name))
      throw new CardeaError(
        'CONFIG_INVALID',
        `--samples ${file}: the server has no tool ${JSON.stringify(name)}.`,
      )
    if (!isJsonObject(sample))
      throw new CardeaError('CONFIG_INVALID', `--samples ${file}: the sample of ${name} is no result object.`)
  }
  return samples as { readonly [tool: string]: JsonObject }
}

function jsonOf(file: string): JsonValue {
  try {
    return JSON.parse(readInput(file)) as JsonValue
  } catch (cause) {
    if (cause instanceof CardeaError) throw cause
    throw new CardeaError('CONFIG_INVALID', `${file} is no JSON: ${(cause as Error).message}`, {}, { cause })
  }
}

export function addPolicyCommands(program: Command): void {
  const group = program.command('policy').description('Policies of guarded MCP servers.')
  const tools = ['--tools <file>', "the server's answer to tools/list, as JSON"] as const
  const schema = ['--schema <file>', 'the permission schema that the checks are about'] as const
  group
    .command('lint')
    .description(
      'What keeps a policy from loading, and what deserves a second look. Exit code 1 for problems.',
    )
    .argument('<policy>', 'file, or - for standard input')
    .argument('[server...]', 'after --: a command that starts the MCP server over stdio')
    .option(...schema)
    .option(...tools)
    .option('--strict', 'exit code 1 for warnings too')
    .option('--json', 'print the result as JSON')
    .action(lint)
  group
    .command('suggest')
    .description(
      'Draft rules from what a server says of its tools. All of it is commented out until a person approves it.',
    )
    .argument('[server...]', 'after --: a command that starts the MCP server over stdio')
    .option(...schema)
    .option(...tools)
    .option('--samples <file>', 'results by tool name, for tools without an output schema')
    .action(suggest)
}
