// P2 and P3: checks over gRPC beside an echo server on the same library, and items of bulk checks beside single checks.
// Run: npm run bench -- grpc. Needs h2load (Debian: apt-get install nghttp2-client).

import type { BulkAnswer } from '../src/authorizer/authorizer.ts'
import { questionToWire } from '../src/wire/answers.ts'
import { readBulkCheck, writeBulkCheck } from '../src/wire/check-codec.ts'
import { decode, encode } from '../src/wire/message-codec.ts'
import { PermissionsService } from '../src/wire/messages.ts'
import { startChild } from './child.ts'
import { folderQuestions } from './folder-questions.ts'
import { bulkPath, checkPath, presharedKey } from './grpc-server.ts'
import { h2load, hasH2load, type Loaded } from './h2load.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { best, grouped, inTurn, median, numbersGiven, quick, tellGoal, tellTable } from './measure.ts'
import { rawCall } from './raw-call.ts'
import { makeData } from './shared-folders.ts'

if (!hasH2load()) {
  console.log('h2load is missing (Debian: apt-get install nghttp2-client): P2 and P3 cannot be measured.')
  process.exit(1)
}

const [size = 0] = numbersGiven([100_000])
const rounds = quick ? 3 : 9
const singles = quick ? 4000 : 30_000
const bulks = quick ? 40 : 300
const bulkItems = 1000
const [connections, streams] = [8, 16]
const { checkPermission, checkBulkPermissions } = PermissionsService.method

const data = makeData(size)
const questions = folderQuestions(data, new LimitTraversal(data), bulkItems)
const file = new URL('grpc-server.js', import.meta.url)
const cardea = await startChild<{ port: number }>(file, ['cardea', String(size)])
const echo = await startChild<{ port: number }>(file, ['echo'])

const headers = {
  'content-type': 'application/grpc',
  te: 'trailers',
  authorization: `Bearer ${presharedKey}`,
}
const bulkMessage = encode(checkBulkPermissions.input, { items: questions.map(questionToWire) })

const ask = (path: string, message: Buffer) => rawCall(cardea.ready.port, path, message, presharedKey)

const sizeEcho = (sizes: Record<string, number>) =>
  new Promise((resolve) => {
    echo.process.once('message', resolve)
    echo.process.send(sizes)
  })

const bulkAnswer = await ask(bulkPath, bulkMessage)
const bulkPairs = decode(checkBulkPermissions.output, bulkAnswer).pairs
const granted = bulkPairs.filter(
  ({ response }) => response.case === 'item' && response.value.permissionship === 2,
).length
if (granted !== bulkItems / 2) throw new Error(`${granted} of ${bulkItems} items were granted`)

type Measured = Loaded & { readonly cpuMs: number }
interface Round {
  readonly echo: Measured
  readonly check: Measured
  readonly bulk: Measured
  readonly echoBulk: Measured
}
const done: Round[] = []
for (let round = -1; round < rounds; round += 1) {
  // Another question each round; all are of the same size.
  const message = encode(checkPermission.input, questionToWire(questions[(round + 1) * 13]!))
  const answer = await ask(checkPath, message)
  await sizeEcho({ [checkPath]: answer.length, [bulkPath]: bulkAnswer.length })
  const send = async (server: typeof cardea, path: string): Promise<Measured> => {
    const one = path === checkPath
    const before = await server.cpuMs()
    const loaded = await h2load({
      url: `http://127.0.0.1:${server.ready.port}${path}`,
      message: one ? message : bulkMessage,
      headers,
      requests: one ? singles : bulks,
      connections,
      streams: one ? streams : 2,
      answerBytes: one ? answer.length : bulkAnswer.length,
    })
    return { ...loaded, cpuMs: ((await server.cpuMs()) - before) / (one ? singles : bulks) }
  }
  const measured = {
    echo: await send(echo, checkPath),
    check: await send(cardea, checkPath),
    bulk: await send(cardea, bulkPath),
    echoBulk: await send(echo, bulkPath),
  }
  // The first round only warms up.
  if (round >= 0) done.push(measured)
}
await cardea.close()
await echo.close()

// The codec's share: what reading this request and writing this answer takes in one process, without a network.
const asked = readBulkCheck(bulkMessage)
if (asked === undefined) throw new Error('the request is left to the general codec')
const token = decode(checkBulkPermissions.output, bulkAnswer).checkedAt?.token ?? ''
const answers: BulkAnswer[] = bulkPairs.map(({ response }) => ({
  permissionship: response.case === 'item' && response.value.permissionship === 2 ? 'has' : 'no',
  missing: [],
}))
if (!writeBulkCheck(bulkMessage, asked, token, answers).equals(bulkAnswer))
  throw new Error('the service writes its answer otherwise')
const codec = await inTurn(quick ? 60 : 200, {
  read: () => readBulkCheck(bulkMessage),
  write: () => writeBulkCheck(bulkMessage, asked, token, answers),
})
const codecUs = ((best(codec.read) + best(codec.write)) * 1000) / bulkItems

const rate = (name: keyof Round) => median(done.map((round) => round[name].requestsPerSecond))
const row = (name: string, key: keyof Round, items: number) => [
  name,
  grouped(rate(key)),
  grouped(rate(key) * items),
  (1e6 / rate(key) / items).toFixed(2),
  ((median(done.map((round) => round[key].cpuMs)) * 1000) / items).toFixed(2),
  median(done.map((round) => round[key].p50Ms)).toFixed(2),
  median(done.map((round) => round[key].p99Ms)).toFixed(2),
]
console.log(
  `${grouped(data.size)} relationships, ${connections} connections; medians of ${rounds} rounds in turn; ${streams} calls at once on a connection, 2 of bulks`,
)
tellTable([
  ['', 'requests/s', 'items/s', 'µs/item', 'CPU µs/item', 'p50 ms', 'p99 ms'],
  row('echo, as small', 'echo', 1),
  row('CheckPermission', 'check', 1),
  row('echo, as large', 'echoBulk', bulkItems),
  row('CheckBulkPermissions', 'bulk', bulkItems),
])
const itemUs = 1e6 / (rate('bulk') * bulkItems)
console.log(
  `codec: ${codecUs.toFixed(2)} µs of an item's ${itemUs.toFixed(2)} µs (${((codecUs / itemUs) * 100).toFixed(0)} %)`,
)
const ratio = (of: (round: Round) => number) => median(done.map(of))
tellGoal(
  'P2',
  ratio(({ check, echo }) => check.requestsPerSecond / echo.requestsPerSecond),
  'x echo',
  '>=',
  0.8,
)
tellGoal(
  'P3',
  ratio(({ bulk, check }) => (bulk.requestsPerSecond * bulkItems) / check.requestsPerSecond),
  'x single checks',
  '>=',
  10,
)
