// How checks over gRPC grow with `cardea serve --workers n` on one SQLite file. The generator needs processor time, too: it is told.
// Run: npm run bench -- workers [workers...]. Needs h2load (Debian: apt-get install nghttp2-client).

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { questionToWire } from '../src/wire/answers.ts'
import { encode } from '../src/wire/message-codec.ts'
import { PermissionsService } from '../src/wire/messages.ts'
import { folderQuestions } from './folder-questions.ts'
import { folderStore } from './folder-store.ts'
import { checkPath, presharedKey } from './grpc-server.ts'
import { h2load, hasH2load, type Loaded } from './h2load.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { grouped, median, numbersGiven, quick, tellTable } from './measure.ts'
import { rawCall } from './raw-call.ts'
import { makeData } from './shared-folders.ts'

if (!hasH2load()) {
  console.log('h2load is missing (Debian: apt-get install nghttp2-client): workers cannot be measured.')
  process.exit(1)
}

const cores = availableParallelism()
const counts = numbersGiven([...new Set([1, 2, cores])].sort((a, b) => a - b))
const rounds = quick ? 3 : 7
const requests = quick ? 10_000 : 60_000
/** For each worker: what a balancer of connections needs to spread them. */
const connectionsPerWorker = 8

const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-workers-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'cardea.db')
const data = makeData(100_000)
const store = await openSqliteStore({ path })
await folderStore(data, [], store)
await store.close()
const questions = folderQuestions(data, new LimitTraversal(data), 64)

interface Serving {
  readonly port: number
  stop(): Promise<void>
}

async function serve(workers: number): Promise<Serving> {
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
  const addresses = ['--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0']
  const words = ['serve', '--datastore', `sqlite:${path}`, '--workers', String(workers), ...addresses]
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    env: { ...process.env, CARDEA_PRESHARED_KEY: presharedKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    const listen = (line: string) => {
      said.push(line)
      if (line.includes('Cardea is serving')) resolve()
    }
    createInterface({ input: child.stdout }).on('line', listen)
    createInterface({ input: child.stderr }).on('line', listen)
    child.once('exit', () => reject(new Error(`cardea serve ended:\n${said.join('\n')}`)))
  })
  const { grpcAddr } = JSON.parse(readFileSync(join(folder, '.cardea', 'connection.json'), 'utf8'))
  return {
    port: Number(grpcAddr.slice(grpcAddr.lastIndexOf(':') + 1)),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const rows: string[][] = []
let alone = 0
for (const workers of counts) {
  const { port, stop } = await serve(workers)
  const done: Loaded[] = []
  try {
    for (let round = -1; round < rounds; round += 1) {
      const question = questions[(round + 1) * 7]!
      const message = encode(PermissionsService.method.checkPermission.input, questionToWire(question))
      const answer = await rawCall(port, checkPath, message, presharedKey)
      const loaded = await h2load({
        url: `http://127.0.0.1:${port}${checkPath}`,
        message,
        answerBytes: answer.length,
        headers: {
          'content-type': 'application/grpc',
          te: 'trailers',
          authorization: `Bearer ${presharedKey}`,
        },
        requests,
        connections: connectionsPerWorker * workers,
        streams: 16,
      })
      // The first round only warms up.
      if (round >= 0) done.push(loaded)
    }
  } finally {
    await stop()
  }
  const rate = median(done.map(({ requestsPerSecond }) => requestsPerSecond))
  if (alone === 0) alone = rate / workers
  rows.push([
    String(workers),
    grouped(rate),
    `${(rate / alone).toFixed(2)} x`,
    median(done.map(({ p50Ms }) => p50Ms)).toFixed(2),
    median(done.map(({ p99Ms }) => p99Ms)).toFixed(2),
  ])
}
console.log(
  `${grouped(data.size)} relationships in one SQLite file; ${cores} cores, shared with the generator; ${connectionsPerWorker} connections for each worker; medians of ${rounds} rounds`,
)
tellTable([['workers', 'checks/s', 'x one', 'p50 ms', 'p99 ms'], ...rows])
