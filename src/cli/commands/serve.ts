// cardea serve: the flags, and where else their values come from.

import type { Command, Option } from 'commander'
import { readConfigFile } from '../config-file.ts'
import { flag } from '../flags.ts'
import { limitOptions } from '../limit-flags.ts'
import type { ServeOptions } from '../run-serve.ts'

export function addServeCommand(program: Command): void {
  const serve = program
    .command('serve')
    .description('Run the service: gRPC (authzed.api.v1), HTTP/JSON and AuthZEN.')
    .addOption(flag('--grpc-addr <address>', 'where to serve gRPC', '127.0.0.1:50051'))
    .addOption(flag('--http-addr <address>', 'where to serve HTTP', '127.0.0.1:8080'))
    .addOption(
      flag(
        '--preshared-key <keys>',
        'keys of clients that may read and write, separated by commas (default: made at first start in .cardea/preshared-key)',
      ),
    )
    .addOption(flag('--read-only-preshared-key <keys>', 'keys of clients that may only read'))
    .addOption(
      flag(
        '--datastore <name>',
        'memory, sqlite:PATH or postgres://... (prepared by cardea migrate)',
        'sqlite:./cardea.db',
      ),
    )
    .addOption(
      flag(
        '--workers <count>',
        'processes that serve side by side, each with the whole graph in memory: checks scale with cores',
        '1',
      ),
    )
    .addOption(flag('--schema <file>', 'schema to write at start'))
    .addOption(
      flag('--relationships <file>', 'relationships to touch at start, one per line, // for comments'),
    )
    .addOption(flag('--tls-cert <file>', 'certificate chain, PEM'))
    .addOption(flag('--tls-key <file>', 'private key, PEM'))
    .addOption(
      flag('--tls-client-ca <file>', 'authority of client certificates, PEM; clients must then present one'),
    )
    .addOption(
      flag('--insecure-plaintext-on-network', 'serve without TLS on an address that others can reach'),
    )
    .addOption(
      flag(
        '--public-url <url>',
        'https://host under which others reach the HTTP address, for AuthZEN (default: the address itself)',
      ),
    )
    .addOption(
      flag(
        '--authzen-actions <list>',
        'permissions by the names that AuthZEN callers give to actions, such as GET=view,PUT=edit',
      ),
    )
    .addOption(flag('--gc-window <duration>', 'how far back the past stays readable, such as 24h', '24h'))
    .addOption(flag('--gc-interval <duration>', 'pause between collections of what is older', '5m'))
    .addOption(
      flag(
        '--shutdown-grace <duration>',
        'how long a shutdown waits for calls in progress, such as 5s',
        '5s',
      ),
    )
    .addOption(flag('--log-level <level>', 'debug, info, warn or error', 'info'))
    .addOption(
      flag('--log-ids', 'name objects and subjects, not only their types, when slow calls are logged'),
    )
    .option('--config <file>', 'YAML file with these flags as keys')
  for (const option of limitOptions()) serve.addOption(option)
  serve.hook('preAction', (_, command) => applyConfigFile(command))
  serve.action(async (options: ServeOptions) => {
    // Loaded here: no other command should wait for the whole service to be read in.
    const { runServe } = await import('../run-serve.ts')
    await runServe(options, program.version() ?? '')
  })
}

/** Flags and environment win over the file, the file wins over defaults. */
function applyConfigFile(command: Command): void {
  const path = command.getOptionValue('config') as string | undefined
  if (path === undefined) return
  const options = command.options.filter((option) => option.long !== '--config')
  const byName = new Map(options.map((option) => [option.long!.slice(2), option] as const))
  for (const [name, value] of readConfigFile(path, [...byName.keys()])) {
    const option = byName.get(name) as Option
    const source = command.getOptionValueSource(option.attributeName())
    if (source === 'cli' || source === 'env') continue
    command.setOptionValueWithSource(
      option.attributeName(),
      Array.isArray(value) ? value.join(',') : value,
      'config',
    )
  }
}
