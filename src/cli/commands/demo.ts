// cardea demo: the main job with real parts, in a terminal.

import { existsSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import { readConnection, removeConnection, writeConnection } from '../connection-file.ts'
import type { DemoWorld } from '../demo/demo-world.ts'
import { exitCode } from '../exit-code.ts'

interface DemoOptions {
  readonly once?: boolean
  readonly out?: string
}

const print = (text: string) => process.stdout.write(`${text}\n`)

export function addDemoCommand(program: Command): void {
  const demo = program
    .command('demo')
    .description('Show the main job: an MCP server that returns only what its user may see.')
    .option('--once', 'end after the story instead of staying up')
    .option('--out <file>', 'write addresses, key and tokens to a file (mode 0600), for scripts')
    .action((options: DemoOptions) => runDemo(options))
  demo
    .command('token')
    .description('Sign a user in at the running demo and print a fresh access token.')
    .argument('<user>', 'alice or bob')
    .action(async (user: string) => {
      print(await freshToken(user))
    })
}

async function freshToken(user: string): Promise<string> {
  const running = readConnection(process.cwd())?.demo
  if (running === undefined) {
    throw new CardeaError('UNAVAILABLE', 'No demo is running in this folder. Start one with: npm start')
  }
  if (user !== 'alice' && user !== 'bob') {
    throw new CardeaError('INVALID_ARGUMENT', `The demo knows alice and bob, not ${JSON.stringify(user)}.`)
  }
  const { authorizationCodeFlow } = await import('../demo/authorization-code-flow.ts')
  const { demoScopes } = await import('../demo/policy.ts')
  const scope = Object.values(demoScopes).join(' ')
  return authorizationCodeFlow({
    issuer: running.issuer,
    user,
    password: 'demo',
    resource: running.mcpUrl,
    scope,
  })
}

async function runDemo(options: DemoOptions): Promise<void> {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const strong = (text: string) => (colour ? `\u001b[1m${text}\u001b[0m` : text)
  print(strong('Cardea: an MCP server that returns only what its user may see\n'))
  print('Starting an authorization server, a Cardea service on SQLite and a guarded MCP server ...')
  // Loaded here: no other command should wait for a whole authorization server to be read in.
  const { startDemoWorld } = await import('../demo/demo-world.ts')
  const { playScenario } = await import('../demo/scenario.ts')
  const world = await startDemoWorld((message) => process.stderr.write(`${message}\n`))
  let failed = 0
  try {
    const tokens = {
      alice: await world.authorization.tokenFor('alice'),
      bob: await world.authorization.tokenFor('bob'),
    }
    if (options.out !== undefined) writeOut(options.out, world, tokens)
    print(
      `${world.relationshipCount} relationships, schema/examples/documents.zed, documents in ${world.documents}`,
    )
    let number = 0
    for await (const finding of playScenario(world, tokens, colour)) {
      number += 1
      if (!finding.holds) failed += 1
      print(`\n${strong(`${number}. ${finding.title}`)}${finding.holds ? '' : '   <-- THIS DID NOT HOLD'}`)
      for (const line of finding.lines) print(`   ${line}`)
    }
    print(`\nEvery call is in the audit log: ${world.auditLog}`)
    if (failed > 0) {
      print(`\n${failed} of ${number} parts did not come out as they must.`)
      process.exitCode = exitCode.failed
    }
  } catch (error) {
    await world.close()
    throw error
  }
  if (options.once) {
    await world.close('audit log')
    return
  }
  stayUp(world, strong)
}

/** What scripts need; a secret, so nobody else may read it. */
function writeOut(path: string, world: DemoWorld, tokens: { alice: string; bob: string }): void {
  const { mcpUrl, grpcAddr, httpAddr, presharedKey, auditLog } = world
  const users = { alice: { token: tokens.alice }, bob: { token: tokens.bob } }
  const facts = {
    mcpUrl,
    issuer: world.authorization.issuer,
    grpcAddr,
    httpAddr,
    presharedKey,
    auditLog,
    users,
  }
  try {
    writeFileSync(path, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 })
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `--out ${path} cannot be written: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}

function stayUp(world: DemoWorld, strong: (text: string) => string): void {
  const folder = process.cwd()
  const { grpcAddr, httpAddr, presharedKey, mcpUrl } = world
  const issuer = world.authorization.issuer
  const found = writeConnection(folder, {
    pid: process.pid,
    grpcAddr,
    httpAddr,
    presharedKey,
    demo: { issuer, mcpUrl },
  })
  const remote = found ? '' : ` --grpc-addr ${grpcAddr} --preshared-key ${presharedKey}`
  print(`\n${strong('It stays up:')}`)
  print(`   MCP server            ${mcpUrl}`)
  print(`   authorization server  ${issuer}   (sign in as alice or bob, password demo)`)
  print(`   gRPC and HTTP         ${grpcAddr}, http://${httpAddr}`)
  print(`\n${strong('Try next, in a second terminal in this folder:')}`)
  print(`   npx cardea check 'document:search-design#view@user:alice' --explain${remote}`)
  print(`   npx cardea check 'document:payroll-run#view@user:alice' --explain${remote}`)
  print(`   npx cardea relationship read 'group:platform'${remote}`)
  print(`   npx cardea relationship delete 'group:platform#member@user:alice'${remote}`)
  print(`   npx cardea lookup-resources document view user:alice${remote}`)
  print(`   npx cardea relationship touch 'group:platform#member@user:alice'${remote}`)
  print(`   npx cardea audit verify ${world.auditLog} --public-key ${world.auditKey}`)
  print(`   npx cardea audit replay ${world.auditLog}${remote}`)
  print(`   npx cardea audit exposures ${world.auditLog} document:search-design`)
  if (found) {
    print('   npx cardea demo token alice')
    print(
      '   npx -y @modelcontextprotocol/inspector@latest --cli ' +
        `${mcpUrl} --transport http --method tools/call --tool-name search_documents --tool-arg query=plan --header "Authorization: Bearer $(npx cardea demo token bob)"`,
    )
    if (existsSync('examples/authzed-node.mjs')) print('   node examples/authzed-node.mjs')
  }
  print('\nCtrl-C ends it.')
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    removeConnection(folder, process.pid)
    await world.close()
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop())
}
