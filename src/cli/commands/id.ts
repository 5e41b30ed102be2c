// cardea id encode|decode: object ids from outside names, as the guard makes them.

import type { Command } from 'commander'
import { decodeId, encodeId } from '../../model/encode-id.ts'

export function addIdCommands(program: Command): void {
  const group = program
    .command('id')
    .description('Encode names as object ids, and back, for people who write relationships.')
  group
    .command('encode')
    .argument('<name...>')
    .option('--keep-slash', 'keep / as it is, as {+variables} of a policy do')
    .action((names: string[], options: { keepSlash?: boolean }) => {
      for (const name of names) process.stdout.write(`${encodeId(name, options.keepSlash === true)}\n`)
    })
  group
    .command('decode')
    .argument('<id...>')
    .action((ids: string[]) => {
      for (const id of ids) process.stdout.write(`${decodeId(id)}\n`)
    })
}
