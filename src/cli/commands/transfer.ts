// cardea relationship import|export: whole datastores as files.

import { statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import { openExistingDatastore } from '../datastore-url.ts'
import { flag } from '../flags.ts'
import { transferProgress } from '../print/transfer-progress.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'
import { exportRelationships, type OpenSource } from '../transfer/export-relationships.ts'
import {
  checkFile,
  type ExistingChoice,
  existingChoices,
  type ImportState,
  importRelationships,
} from '../transfer/import-relationships.ts'
import { untilInterrupted } from '../transfer/interruption.ts'
import { openBytes, RelationshipFileReader } from '../transfer/relationship-file.ts'
import { serverSource, storeSource } from '../transfer/relationship-source.ts'
import { datastoreTarget, type RelationshipTarget, serverTarget } from '../transfer/relationship-target.ts'
import { StateFile } from '../transfer/state-file.ts'

interface TransferOptions extends RemoteOptions {
  readonly datastore?: string
  readonly json?: boolean
}

interface ImportOptions extends TransferOptions {
  readonly existing: ExistingChoice
  readonly schema?: 'keep' | 'replace'
  readonly state?: string
  readonly check?: boolean
}

interface ExportOptions extends TransferOptions {
  readonly relationshipsOnly?: boolean
}

/** Runs `use` with a datastore that is named, else with the server. */
async function withTarget<Value>(
  options: ImportOptions,
  use: (target: RelationshipTarget) => Promise<Value>,
): Promise<Value> {
  if (options.datastore === undefined)
    return withRemote(options, (authorizer, address) => use(serverTarget(authorizer, address)))
  const target = await datastoreTarget(options.datastore, options.check === true)
  try {
    return await use(target)
  } finally {
    await target.close()
  }
}

async function withSource<Value>(
  options: TransferOptions,
  use: (open: OpenSource) => Promise<Value>,
): Promise<Value> {
  if (options.datastore === undefined)
    return withRemote(options, (authorizer) => use(serverSource(authorizer)))
  if (options.datastore === 'memory')
    throw new CardeaError('CONFIG_INVALID', '--datastore memory holds nothing that could be exported.')
  const store = await openExistingDatastore(options.datastore)
  try {
    return await use(storeSource(store))
  } finally {
    await store.close()
  }
}

function report(
  verb: string,
  outcome: { readonly rows: number; readonly resumedAt: number },
  startedAtMs: number,
  json: boolean | undefined,
  stream: NodeJS.WriteStream = process.stdout,
): void {
  const seconds = (performance.now() - startedAtMs) / 1000
  const { rows, resumedAt } = outcome
  if (json) {
    stream.write(`${JSON.stringify({ relationships: rows, resumedAt, seconds })}\n`)
    return
  }
  const resumed = resumedAt === 0 ? '' : ` (${resumedAt} of them before the interruption)`
  stream.write(`${verb} ${rows} relationships${resumed} in ${seconds.toFixed(1)} s.\n`)
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const startedAtMs = performance.now()
  const name = file === '-' ? 'standard input' : file
  const reader = new RelationshipFileReader(name, openBytes(file))
  const size = file === '-' ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0)
  if (options.check) {
    const rows = await checkFile(reader, name, () => withTarget(options, (target) => target.readSchema()))
    report('Checked', { rows, resumedAt: 0 }, startedAtMs, options.json)
    return
  }
  const progress = transferProgress(process.stderr, 'importing')
  const interruption = untilInterrupted()
  try {
    const outcome = await withTarget(options, (target) =>
      importRelationships({
        reader,
        fileName: name,
        target,
        existing: options.existing,
        ...(options.schema === undefined ? {} : { schema: options.schema }),
        ...(file === '-'
          ? {}
          : { state: new StateFile<ImportState>(options.state ?? `${file}.import-state`) }),
        onProgress: (bytes, rows) => progress.update(bytes, size, rows),
        signal: interruption.signal,
      }),
    )
    progress.stop()
    report('Imported', outcome, startedAtMs, options.json)
  } finally {
    progress.stop()
    interruption.end()
  }
}

async function exportFile(file: string, options: ExportOptions): Promise<void> {
  const startedAtMs = performance.now()
  const progress = transferProgress(process.stderr, 'exporting')
  const interruption = untilInterrupted()
  try {
    const outcome = await withSource(options, (open) =>
      exportRelationships({
        open,
        path: file,
        withSchema: options.relationshipsOnly !== true,
        onProgress: (rows, total) => progress.update(rows, total, rows),
        onRestart: () =>
          process.stderr.write(
            'cardea: the revision of the interrupted export cannot be read any more; beginning anew.\n',
          ),
        signal: interruption.signal,
      }),
    )
    progress.stop()
    // Standard output is the file.
    if (file !== '-') report('Exported', outcome, startedAtMs, options.json)
  } catch (error) {
    // A reader that has seen enough (`| head`) ends the command quietly.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  } finally {
    progress.stop()
    interruption.end()
  }
}

function transferFlags(command: Command): Command {
  return remoteFlags(command)
    .addOption(
      flag(
        '--datastore <name>',
        'work on a datastore itself instead of a server: sqlite:PATH or postgres://...',
      ),
    )
    .option('--json', 'print the outcome as JSON')
}

export function addTransferCommands(group: Command): void {
  transferFlags(
    group
      .command('import')
      .description(
        'Write all relationships of a file, and its schema if it has one. After an interruption, the same command goes on where it stopped.',
      ),
  )
    .argument(
      '<file>',
      'relationships one per line, or a file of cardea relationship export; - for standard input',
    )
    .addOption(
      new Option(
        '--existing <choice>',
        'when the datastore holds relationships: fail, create (add, stop at one that exists) or touch (add and replace)',
      )
        .choices([...existingChoices])
        .default('fail'),
    )
    .addOption(
      new Option('--schema <choice>', 'when file and datastore have different schemas: whose to use').choices(
        ['keep', 'replace'],
      ),
    )
    .option('--state <file>', 'where to remember how far the import has come (default: FILE.import-state)')
    .option('--check', 'write nothing: read the whole file and check each line against the schema')
    .action(importFile)
  transferFlags(
    group
      .command('export')
      .description(
        'Write the schema and all relationships, at one revision, to a file. After an interruption, the same command goes on where it stopped.',
      ),
  )
    .argument('<file>', 'a new file, - for standard output')
    .option('--relationships-only', 'without the schema: one relationship per line and nothing else')
    .action(exportFile)
}
