// Failpoints: named points of the commit path at which a test can let the process die.

import type { FailpointName, WorkerSettings } from './protocol.ts'

export type Failpoint = (name: FailpointName) => void

/** The function to call at each point; without a setting it does nothing. */
export function failpointOf({ failpoint }: Pick<WorkerSettings, 'failpoint'>): Failpoint {
  if (failpoint === undefined) return () => {}
  let left = failpoint.passings
  return (name) => {
    if (name !== failpoint.name) return
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
