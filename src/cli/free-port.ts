// Whether an address can be listened on: asked before a datastore is opened, which would be made for nothing.

import { createServer } from 'node:net'
import { CardeaError } from '../model/errors.ts'
import { formatServerAddress, type ServerAddress } from './server-address.ts'

/** CONFIG_INVALID that names the flag when another process listens there, or nobody can. */
export async function requireFreePort(address: ServerAddress, flagName: string): Promise<void> {
  if (address.port === 0) return
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const problem =
        cause.code === 'EADDRINUSE'
          ? 'is in use by another process. Stop it, or choose another port.'
          : `cannot be listened on: ${cause.message}`
      const message = `${flagName} ${formatServerAddress(address)} ${problem}`
      reject(new CardeaError('CONFIG_INVALID', message, {}, { cause }))
    })
    probe.listen(address.port, address.host, () => probe.close(() => resolve()))
  })
}
