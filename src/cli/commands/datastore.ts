// cardea datastore backup|restore|copy|new-epoch|keys: what is done to a datastore as a whole, without a server.

import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import { afterKeyStep, type KeyStep } from '../../store/identity-change.ts'
import { backUp, restoreSqliteStore } from '../../store/sqlite/copies.ts'
import { beginAfter, changeIdentity } from '../datastore-identity.ts'
import { openDatastore, openExistingDatastore } from '../datastore-url.ts'
import { flag } from '../flags.ts'
import { transferProgress } from '../print/transfer-progress.ts'
import { copyDatastore } from '../transfer/copy-datastore.ts'
import { untilInterrupted } from '../transfer/interruption.ts'

interface JsonOption {
  readonly json?: boolean
}

interface DatastoreOptions extends JsonOption {
  readonly datastore: string
}

function print(json: boolean | undefined, facts: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(facts) : text}\n`)
}

function sqlitePath(name: string, command: string): string {
  if (name.startsWith('sqlite:')) return name.slice('sqlite:'.length)
  throw new CardeaError(
    'CONFIG_INVALID',
    `cardea datastore ${command} is for sqlite:PATH. Use the tools of PostgreSQL (pg_dump, base backups), and after a restore: cardea datastore new-epoch.`,
  )
}

/** How a key is called without being told. */
function fingerprint(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12)
}

async function copy({ from, to, json }: JsonOption & { from: string; to: string }): Promise<void> {
  for (const name of [from, to])
    if (name === 'memory')
      throw new CardeaError('CONFIG_INVALID', 'A datastore in memory ends with its process.')
  const progress = transferProgress(process.stderr, 'copying')
  const interruption = untilInterrupted()
  const source = await openExistingDatastore(from)
  try {
    const { rows, resumedAt, head } = await copyDatastore({
      from: source,
      openTarget: () => openDatastore(to),
      beginAfter: (revision) => beginAfter(to, revision),
      onProgress: (done, total) => progress.update(done, total, done),
      signal: interruption.signal,
    })
    progress.stop()
    const resumed = resumedAt === 0 ? '' : ` (${resumedAt} of them before the interruption)`
    print(
      json,
      { relationships: rows, resumedAt, revision: head.revision },
      `Copied ${rows} relationships${resumed}. The copy is at revision ${head.revision}.`,
    )
  } finally {
    progress.stop()
    interruption.end()
    await source.close()
  }
}

/** 2 to 2^31, at random: the same copy may be restored twice, and the two must not share tokens. */
async function beginEpoch({ datastore, json }: DatastoreOptions): Promise<void> {
  const { epoch } = await changeIdentity(datastore, (identity) => {
    let next = identity.epoch
    while (next === identity.epoch) next = randomInt(2, 2 ** 31)
    return { epoch: next }
  })
  print(
    json,
    { epoch },
    `Epoch ${epoch} has begun: tokens and cursors given out before are foreign to the datastore now.`,
  )
}

async function changeKeys(
  step: KeyStep,
  name: string | undefined,
  { datastore, json }: DatastoreOptions,
): Promise<void> {
  const added = randomBytes(32)
  const { tokenKeys } = await changeIdentity(datastore, (identity) => {
    const key = step === 'add' ? added : identity.tokenKeys.find((known) => fingerprint(known) === name)
    if (key === undefined)
      throw new CardeaError(
        'CONFIG_INVALID',
        `The datastore has no key ${JSON.stringify(name)}; cardea datastore keys list shows those it has.`,
      )
    return { tokenKeys: afterKeyStep(identity.tokenKeys, step, key) }
  })
  printKeys(tokenKeys, json)
}

function printKeys(tokenKeys: readonly Uint8Array[], json: boolean | undefined): void {
  const keys = tokenKeys.map((key, at) => ({ fingerprint: fingerprint(key), signs: at === 0 }))
  const lines = keys.map((key) => `${key.fingerprint} ${key.signs ? 'signs and verifies' : 'verifies'}`)
  print(json, { keys }, lines.join('\n'))
}

function addKeyCommands(group: Command): void {
  const keys = group
    .command('keys')
    .description(
      'The keys that authenticate ZedTokens and cursors. To rotate without refusing a token: add, promote, and remove once old tokens are no longer used.',
    )
  const named = (name: string, description: string) =>
    withJson(keys.command(name).description(description).addOption(datastoreFlag()))
  named('list', 'Print the fingerprints of the keys. The first signs.').action(
    async ({ datastore, json }: DatastoreOptions) => {
      printKeys((await changeIdentity(datastore, () => ({}))).tokenKeys, json)
    },
  )
  named(
    'add',
    'Make a new key that verifies, and signs nothing yet. Services learn of it within seconds.',
  ).action((options: DatastoreOptions) => changeKeys('add', undefined, options))
  named('promote', 'Let a key sign from now on; the others still verify.')
    .argument('<fingerprint>')
    .action((name: string, options: DatastoreOptions) => changeKeys('promote', name, options))
  named('remove', 'Forget a key: tokens and cursors that it signed are refused from now on.')
    .argument('<fingerprint>')
    .action((name: string, options: DatastoreOptions) => changeKeys('remove', name, options))
}

function withJson(command: Command): Command {
  return command.option('--json', 'print the outcome as JSON')
}

function datastoreFlag() {
  return flag('--datastore <name>', 'sqlite:PATH or postgres://...', 'sqlite:./cardea.db')
}

export function addDatastoreCommands(program: Command): void {
  const group = program.command('datastore').description('Work on a datastore as a whole, without a server.')
  group
    .command('backup')
    .description(
      'Copy a SQLite datastore at one revision to a new file, while services go on reading and writing.',
    )
    .argument('<file>', 'a new file')
    .addOption(datastoreFlag())
    .option('--json', 'print the outcome as JSON')
    .action(async (file: string, { datastore, json }: DatastoreOptions) => {
      const { revision } = await backUp(sqlitePath(datastore, 'backup'), file)
      print(json, { file, revision }, `${file} holds revision ${revision}.`)
    })
  group
    .command('restore')
    .description('Make a new SQLite datastore from a backup. It begins a new epoch.')
    .argument('<file>', 'a backup')
    .addOption(datastoreFlag())
    .option('--json', 'print the outcome as JSON')
    .action(async (file: string, { datastore, json }: DatastoreOptions) => {
      const { revision } = await restoreSqliteStore({ from: file, to: sqlitePath(datastore, 'restore') })
      print(json, { revision }, `Restored revision ${revision}, in a new epoch.`)
    })
  group
    .command('copy')
    .description(
      'Copy schema and relationships to an empty datastore, of another kind perhaps. Its revisions go on behind the source’s. After an interruption, the same command goes on where it stopped.',
    )
    .requiredOption('--from <name>', 'sqlite:PATH or postgres://...')
    .requiredOption('--to <name>', 'sqlite:PATH or postgres://... (prepared by cardea migrate)')
    .option('--json', 'print the outcome as JSON')
    .action(copy)
  group
    .command('new-epoch')
    .description(
      'Say that the datastore was restored from an older copy by other means than cardea: old tokens become foreign, services load again.',
    )
    .addOption(datastoreFlag())
    .option('--json', 'print the outcome as JSON')
    .action(beginEpoch)
  addKeyCommands(group)
}
