// How much memory Watch streams take, idle and busy, and how late a change reaches 200 readers: a real server process,
// clients in processes of their own.
//
//   node dist-bench/bench/watch-streams.js [idle streams] [busy streams] [writes]

import type { ChildProcess } from 'node:child_process'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { startService } from '../src/cli/service.ts'
import { connect } from '../src/client/connect.ts'
import { memoryStore } from '../src/store/memory/store.ts'
import { decode, encode } from '../src/wire/message-codec.ts'
import { WatchService } from '../src/wire/messages.ts'
import { serveParent, startChild } from './child.ts'
import { grouped, numbersGiven, percentile, quick } from './measure.ts'

const presharedKey = 'the-key-of-the-bench'
const schemaText = `definition user {}
definition quiet {
  relation viewer: user
}
definition busy {
  relation viewer: user
}`
const file = new URL(import.meta.url)
/** Streams on one connection, and connections of one client process. */
const streamsPerConnection = 250
const connectionsPerProcess = 10
const pauseBetweenWritesMs = 20

/** A watcher's metadata of a write: when it was sent, by the clock that all processes of a machine share. */
const sentAt = () => performance.timeOrigin + performance.now()

async function serve(): Promise<void> {
  const loopback = { host: '127.0.0.1', port: 0 }
  const service = await startService({
    store: memoryStore(),
    grpcAddress: loopback,
    httpAddress: loopback,
    presharedKeys: [{ key: presharedKey, role: 'read-write' }],
    log: (level, message, facts) => {
      if (level !== 'info') console.error(message, facts)
    },
  })
  await service.authorizer.writeSchema(schemaText)
  process.on('message', () => {
    globalThis.gc!()
    const { rss, heapUsed } = process.memoryUsage()
    process.send!({ rss, heapUsed })
  })
  serveParent({ grpc: service.grpc.port, http: service.http.port }, () => service.close(0))
}

/** Holds streams open until the parent says that it is enough, then tells what they received and how late. */
async function hold(port: string, type: string, count: number): Promise<void> {
  const { input, output } = WatchService.method.watch
  const request = Buffer.from(encode(input, { optionalObjectTypes: [type] }))
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${presharedKey}`)
  const same = (bytes: Buffer) => bytes
  const lags: number[] = []
  let failed = 0
  const clients: Client[] = []
  for (let opened = 0; opened < count; opened += 1) {
    if (opened % streamsPerConnection === 0) {
      const own = { 'grpc.use_local_subchannel_pool': 1 }
      clients.push(new Client(`127.0.0.1:${port}`, credentials.createInsecure(), own))
    }
    clients
      .at(-1)!
      .makeServerStreamRequest('/authzed.api.v1.WatchService/Watch', same, same, request, metadata)
      .on('data', (bytes: Buffer) => {
        const { optionalTransactionMetadata } = decode(output, bytes)
        lags.push(sentAt() - Number(optionalTransactionMetadata?.sentAt))
      })
      .on('error', () => {
        failed += 1
      })
    // Connections are made one after the other.
    if (opened % streamsPerConnection === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  process.on('message', () => {
    process.send!({ received: lags.length, failed, lags })
    lags.length = 0
  })
  serveParent({}, () => {
    for (const client of clients) client.close()
  })
}

interface Memory {
  readonly rss: number
  readonly heapUsed: number
}

interface Held {
  readonly received: number
  readonly failed: number
  readonly lags: readonly number[]
}

function ask<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as Answer))
    child.send('?')
  })
}

async function main(): Promise<void> {
  const [idle, busy, writes] = numbersGiven(quick ? [1000, 50, 50] : [10_000, 200, 500]) as [
    number,
    number,
    number,
  ]
  const server = await startChild<{ grpc: number; http: number }>(file, ['serve'], ['--expose-gc'])
  const { grpc, http } = server.ready
  const client = connect({ address: `127.0.0.1:${grpc}`, presharedKey })
  const streamsOpen = async () => {
    const headers = { authorization: `Bearer ${presharedKey}` }
    const metrics = await (await fetch(`http://127.0.0.1:${http}/metrics`, { headers })).text()
    return Number(/cardea_calls_open\{door="grpc"\} (\d+)/.exec(metrics)?.[1] ?? 0)
  }
  const until = async (open: number) => {
    while ((await streamsOpen()) < open) await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const settled = async () => {
    await ask(server.process)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    return ask<Memory>(server.process)
  }
  const tell = (what: string, { rss, heapUsed }: Memory) =>
    console.log(
      `${what}: resident ${(rss / 2 ** 20).toFixed(1)} MiB, heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB`,
    )

  // One write and one read of the metrics, so that nothing is counted that belongs to the first call.
  await client.writeRelationships({ updates: [] })
  await streamsOpen()
  const before = await settled()
  tell('No streams', before)

  const busyHolders = await startChild<object>(file, ['hold', String(grpc), 'busy', String(busy)])
  await until(busy)

  const write = async () => {
    for (let at = 0; at < writes; at += 1) {
      await client.writeRelationships({
        updates: [
          {
            operation: 'touch',
            relationship: {
              resource: { type: 'busy', id: `b${at}` },
              relation: 'viewer',
              subject: { type: 'user', id: `u${sentAt()}`.replace('.', '_'), relation: '' },
            },
          },
        ],
        metadata: { sentAt: sentAt() },
      })
      await new Promise((resolve) => setTimeout(resolve, pauseBetweenWritesMs))
    }
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const held = await ask<Held>(busyHolders.process)
    const expected = busy * writes
    console.log(
      `  ${grouped(held.received)} of ${grouped(expected)} changes arrived, lag p50 ${percentile(held.lags, 0.5).toFixed(1)} ms, p99 ${percentile(held.lags, 0.99).toFixed(1)} ms, ${held.failed} streams failed`,
    )
    if (held.received !== expected || held.failed > 0) process.exitCode = 1
  }
  console.log(`${busy} busy streams, ${writes} writes, one every ${pauseBetweenWritesMs} ms:`)
  await write()
  const withBusy = await settled()
  tell(`${busy} busy streams`, withBusy)

  const perProcess = streamsPerConnection * connectionsPerProcess
  const holders = []
  for (let left = idle; left > 0; left -= perProcess)
    holders.push(
      await startChild<object>(file, ['hold', String(grpc), 'quiet', String(Math.min(left, perProcess))]),
    )
  await until(busy + idle)
  const full = await settled()
  tell(`${grouped(idle)} idle streams besides`, full)
  const each = (key: keyof Memory) => ((full[key] - withBusy[key]) / idle / 1024).toFixed(1)
  console.log(`  each idle stream: resident ${each('rss')} KiB, heap ${each('heapUsed')} KiB`)
  console.log(`${busy} busy streams among ${grouped(idle)} idle ones, the same writes:`)
  await write()
  tell('After the writes', await settled())
  for (const holder of holders) {
    const { received, failed } = await ask<Held>(holder.process)
    if (received + failed === 0) continue
    console.log(`  idle streams received ${received} changes, ${failed} failed`)
    process.exitCode = 1
  }
  await client.close()
  for (const holder of [...holders, busyHolders]) await holder.close()
  await server.close()
}

const [role, ...words] = process.argv.slice(2)
if (role === 'serve') await serve()
else if (role === 'hold') await hold(words[0]!, words[1]!, Number(words[2]))
else await main()
