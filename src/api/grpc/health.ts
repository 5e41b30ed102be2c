// grpc.health.v1: whether the service can answer now.

import type { Server } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'

/** Names that clients of authzed.api.v1 ask about; the empty one is the whole server. */
const services = [
  '',
  'authzed.api.v1.PermissionsService',
  'authzed.api.v1.SchemaService',
  'authzed.api.v1.WatchService',
]

/** How often readiness is looked at, in milliseconds. */
const intervalMs = 200

export interface Health {
  /** NOT_SERVING from now on. */
  stop(): void
}

/** Adds the health service, which follows `ready`. */
export function addHealth(server: Server, ready: () => boolean): Health {
  const health = new HealthImplementation()
  const tell = (serving: boolean) => {
    for (const service of services) health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING')
  }
  let last = ready()
  tell(last)
  const timer = setInterval(() => {
    const now = ready()
    if (now !== last) tell(now)
    last = now
  }, intervalMs)
  timer.unref()
  health.addToServer(server)
  return {
    stop() {
      clearInterval(timer)
      tell(false)
    },
  }
}
