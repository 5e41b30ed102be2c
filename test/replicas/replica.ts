// Replicas: `cardea serve` processes on one PostgreSQL, each with a client of its own, and a wire that can be cut.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect as openSocket, type Socket } from 'node:net'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { connect } from '../../src/client/connect.ts'
import { emptyFolder, started } from '../cli/run-cardea.ts'

const presharedKey = 'a-key-of-the-replicas-that-is-long-enough'

export interface Replica {
  readonly authorizer: Authorizer
  readonly grpcAddr: string
  readonly httpAddr: string
  /** What it has written to its log so far. */
  output(): string
  /** The status of a path of the HTTP door. */
  status(path: string): Promise<number>
  /** One of its metrics without labels. */
  metric(name: string): Promise<number>
  /** How old an answer to a check over HTTP says to be, in milliseconds. */
  staleness(user: string, doc: string): Promise<number | undefined>
  /** Another client of this replica, which has written nothing yet. */
  stranger(): Authorizer
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
  /** Ends it in order; its exit code. */
  stop(): Promise<number | null>
}

/** Starts a process and waits until it serves. `words` are more flags. */
export async function startReplica(
  connectionString: string,
  words: readonly string[] = [],
): Promise<Replica> {
  const process = await started(
    ['serve', '--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', ...words],
    emptyFolder(),
    'Cardea is serving',
    { CARDEA_DATASTORE: connectionString, CARDEA_PRESHARED_KEY: presharedKey },
  )
  const addressOf = (door: string) => new RegExp(`"${door}":"([^"]+)"`).exec(process.output())![1]!
  const [grpcAddr, httpAddr] = [addressOf('grpc'), addressOf('http')]
  const clients: Authorizer[] = []
  const stranger = () => {
    const client = connect({ address: grpcAddr, presharedKey })
    clients.push(client)
    return client
  }
  const closeClients = () => Promise.all(clients.map((client) => client.close()))
  const fetched = (path: string, init: RequestInit = {}) =>
    fetch(`http://${httpAddr}${path}`, {
      headers: { authorization: `Bearer ${presharedKey}`, 'content-type': 'application/json' },
      ...init,
    })
  return {
    authorizer: stranger(),
    grpcAddr,
    httpAddr,
    output: process.output,
    status: async (path) => {
      const response = await fetched(path)
      // Read to its end, else its connection is kept.
      await response.arrayBuffer()
      return response.status
    },
    metric: async (name) => {
      const text = await (await fetched('/metrics')).text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    },
    async staleness(user, doc) {
      const object = (objectType: string, objectId: string) => ({ objectType, objectId })
      const question = {
        resource: object('doc', doc),
        permission: 'view',
        subject: { object: object('user', user) },
      }
      const response = await fetched('/v1/permissions/check', {
        method: 'POST',
        body: JSON.stringify(question),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      const header = response.headers.get('cardea-staleness-ms')
      return header === null ? undefined : Number(header)
    },
    stranger,
    async kill() {
      const { child } = process
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child as ChildProcess, 'exit')
      }
      await closeClients()
    },
    async stop() {
      await closeClients()
      return process.stop()
    },
  }
}

/** A wire to a server: it leads there until it is cut. */
export interface Wire {
  /** The same connection string, through the wire. */
  readonly connectionString: string
  /** `closed`: connections break at once and are refused. `silent`: nothing arrives any more, as when a cable is out. */
  cut(how: 'closed' | 'silent'): void
  mend(): void
  close(): Promise<void>
}

export async function wireTo(connectionString: string): Promise<Wire> {
  const target = new URL(connectionString)
  const pairs = new Set<readonly [Socket, Socket]>()
  let state: 'whole' | 'closed' | 'silent' = 'whole'
  const server = createServer((near) => {
    near.on('error', () => {})
    if (state === 'closed') return near.destroy()
    const far = openSocket(Number(target.port || 5432), target.hostname)
    far.on('error', () => near.destroy())
    const pair = [near, far] as const
    pairs.add(pair)
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (data) => {
        if (state !== 'silent') to.write(data)
      })
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
    pass(near, far)
    pass(far, near)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const breakAll = () => {
    for (const [near, far] of [...pairs]) {
      near.destroy()
      far.destroy()
    }
  }
  const through = new URL(connectionString)
  through.host = `127.0.0.1:${(server.address() as { port: number }).port}`
  return {
    connectionString: through.href.replaceAll('+', '%20'),
    cut(how) {
      state = how
      if (how === 'closed') breakAll()
    },
    mend() {
      // What went into a silent wire is lost: its connections cannot go on.
      if (state === 'silent') breakAll()
      state = 'whole'
    },
    async close() {
      breakAll()
      await new Promise((done) => server.close(done))
    },
  }
}
