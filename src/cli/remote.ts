// The connection of commands that ask a running server.

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { connect, type RemoteAuthorizer } from '../client/connect.ts'
import { CardeaError } from '../model/errors.ts'
import type { Consistency } from '../model/revision.ts'
import { readConnection } from './connection-file.ts'
import { flag } from './flags.ts'

export interface RemoteOptions {
  readonly grpcAddr?: string
  readonly presharedKey?: string
  readonly tlsCa?: string
  readonly tls?: boolean
  readonly allowPlaintext?: boolean
}

/** Adds the flags that say where the server is. */
export function remoteFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        '--grpc-addr <address>',
        'gRPC address of the server (default: the server started in this folder, else 127.0.0.1:50051)',
      ),
    )
    .addOption(
      flag(
        '--preshared-key <key>',
        'key of the server (default: the key of the server started in this folder)',
      ),
    )
    .addOption(flag('--tls', 'connect with TLS'))
    .addOption(flag('--tls-ca <file>', 'certificate authority of the server, PEM; implies --tls'))
    .addOption(flag('--allow-plaintext', 'send the key without TLS to a server on another machine'))
}

/** Connects, runs `use` (with the address, for people) and disconnects. */
export async function withRemote<Value>(
  options: RemoteOptions,
  use: (authorizer: RemoteAuthorizer, address: string) => Promise<Value>,
): Promise<Value> {
  const connection = readConnection(process.cwd())
  const address = options.grpcAddr ?? connection?.grpcAddr ?? '127.0.0.1:50051'
  const presharedKey = options.presharedKey ?? connection?.presharedKey
  if (presharedKey === undefined) {
    throw new CardeaError(
      'CONFIG_INVALID',
      'No server started in this folder is running. Start one with `cardea serve`, or name one by --grpc-addr and --preshared-key (CARDEA_PRESHARED_KEY).',
    )
  }
  const tlsCa = options.tlsCa ?? connection?.tlsCa
  const tls = tlsCa !== undefined ? { ca: readCa(tlsCa) } : options.tls ? {} : undefined
  const allowPlaintext = options.allowPlaintext === true
  const authorizer = connect({ address, presharedKey, allowPlaintext, ...(tls === undefined ? {} : { tls }) })
  try {
    return await use(authorizer, address)
  } finally {
    await authorizer.close()
  }
}

/** Adds the flags that say which state a read must see. Default: fully consistent, as people expect at a terminal. */
export function consistencyFlags(command: Command): Command {
  return command
    .option('--minimize-latency', 'answer from the newest state at hand instead of the newest there is')
    .option('--at-least <token>', 'at least as fresh as this ZedToken')
    .option('--at-exactly <token>', 'exactly the state of this ZedToken')
}

export interface ConsistencyOptions {
  readonly minimizeLatency?: boolean
  readonly atLeast?: string
  readonly atExactly?: string
}

export function consistencyOf(options: ConsistencyOptions): Consistency {
  if (options.atExactly !== undefined) return { kind: 'at_exact_snapshot', token: options.atExactly }
  if (options.atLeast !== undefined) return { kind: 'at_least_as_fresh', token: options.atLeast }
  return options.minimizeLatency ? { kind: 'minimize_latency' } : { kind: 'fully_consistent' }
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `--tls-ca ${path} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}
