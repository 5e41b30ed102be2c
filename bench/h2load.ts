// The load generator: h2load of Debian's nghttp2-client, a process of its own, sending one gRPC message again and again.

import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Load {
  readonly url: string
  readonly message: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly requests: number
  readonly connections: number
  readonly streams: number
  /** Bytes of each answer's message: an answer that is an error has none, so the sum tells. */
  readonly answerBytes: number
}

export interface Loaded {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Whether the generator is installed. */
export const hasH2load = () => spawnSync('h2load', ['--version']).status === 0

/** gRPC's frame around a message: not compressed, its length. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** Sends the load. Throws unless every answer is a message of the expected size. */
export async function h2load(load: Load): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-h2load-'))
  try {
    const [body, log] = [join(folder, 'body'), join(folder, 'log')]
    writeFileSync(body, framed(load.message))
    const { stdout } = await promisify(execFile)(
      'h2load',
      [
        ...['-n', load.requests, '-c', load.connections, '-m', load.streams, '-d', body].map(String),
        `--log-file=${log}`,
        ...Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
        load.url,
      ],
      { maxBuffer: 10_000_000 },
    )
    const rate = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1])
    const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1])
    const dataBytes = Number(/\((\d+)\) data/.exec(stdout)?.[1])
    if (succeeded !== load.requests || dataBytes !== load.requests * (5 + load.answerBytes))
      throw new Error(`Not every request to ${load.url} was answered:\n${stdout}`)
    const micros = Float64Array.from(readFileSync(log, 'utf8').trim().split('\n'), (line) =>
      Number(line.split('\t')[2]),
    ).sort()
    const at = (share: number) => micros[Math.floor(micros.length * share)]! / 1000
    return { requestsPerSecond: rate, p50Ms: at(0.5), p99Ms: at(0.99) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
