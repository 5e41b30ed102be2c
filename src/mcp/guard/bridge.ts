// The bridge: a guarded connection in front of another transport, instead of in front of a server in this process.

import type { Transport } from './message.ts'

/**
 * Passes messages between a guarded transport (from `guard.wrapTransport`) and the transport of an upstream server, as
 * they are. Resolves when both have started; when one ends, so does the other.
 */
export async function bridge(guarded: Transport, upstream: Transport): Promise<void> {
  const fail = (error: unknown) => guarded.onerror?.(error as Error)
  guarded.onmessage = (message) => {
    upstream.send(message).catch(fail)
  }
  upstream.onmessage = (message) => {
    guarded.send(message).catch(fail)
  }
  guarded.onclose = () => void upstream.close().catch(fail)
  upstream.onclose = () => void guarded.close().catch(fail)
  await upstream.start()
  await guarded.start()
}
