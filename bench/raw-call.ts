// One gRPC call by a real client, in bytes: what an answer looks like before it is asked for many times.

import { credentials, Metadata, makeClientConstructor } from '@grpc/grpc-js'

/** The bytes of the answer. Rejects with the status of a call that fails. */
export function rawCall(port: number, path: string, message: Buffer, presharedKey: string): Promise<Buffer> {
  const Client = makeClientConstructor({}, 'raw')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${presharedKey}`)
  const same = (bytes: Buffer) => bytes
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, message, metadata, (error, answer) => {
      client.close()
      if (error === null) resolve(answer!)
      else reject(error)
    })
  })
}
