// The servers that grpc.ts compares, each in a process of its own: `cardea ROWS`, or `echo` on the same @grpc/grpc-js.

import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { startService } from '../src/cli/service.ts'
import { serveParent } from './child.ts'
import { folderStore } from './folder-store.ts'
import { makeData } from './shared-folders.ts'

export const presharedKey = 'the-key-of-the-bench'
export const checkPath = '/authzed.api.v1.PermissionsService/CheckPermission'
export const bulkPath = '/authzed.api.v1.PermissionsService/CheckBulkPermissions'

const [role, argument] = process.argv.slice(2)

async function serveCardea(rows: number): Promise<void> {
  const loopback = { host: '127.0.0.1', port: 0 }
  const service = await startService({
    store: await folderStore(makeData(rows)),
    grpcAddress: loopback,
    httpAddress: loopback,
    presharedKeys: [{ key: presharedKey, role: 'read-write' }],
    log: (level, message) => {
      if (level !== 'info') console.error(message)
    },
  })
  serveParent({ port: service.grpc.port }, () => service.close(0))
}

/** Answers with as many bytes as the parent says, whatever it is sent. */
async function serveEcho(): Promise<void> {
  const answers: Record<string, Buffer> = { [checkPath]: Buffer.alloc(0), [bulkPath]: Buffer.alloc(0) }
  process.on('message', (sizes: Record<string, number> | string) => {
    if (typeof sizes === 'string') return
    for (const [path, size] of Object.entries(sizes)) answers[path] = Buffer.alloc(size, 1)
    process.send!('sized')
  })
  // As Cardea's: without the accounts of channelz, which nobody asks for.
  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.enable_channelz': 0 })
  const same = (bytes: Buffer) => bytes
  for (const path of [checkPath, bulkPath]) {
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    } as const
    server.addService(
      { [path]: method },
      {
        [path]: (_: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
          reply(null, answers[path]),
      },
    )
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  serveParent({ port }, () => server.forceShutdown())
}

if (role === 'cardea') await serveCardea(Number(argument))
if (role === 'echo') await serveEcho()
