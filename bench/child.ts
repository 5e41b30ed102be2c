// A bench's server in a process of its own: started from this build, known by its first message, ended with its parent.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Child<Ready> {
  readonly ready: Ready
  readonly process: ChildProcess
  /** Milliseconds of processor time it has used so far, over all its threads: what a busy machine cannot falsify. */
  cpuMs(): Promise<number>
  close(): Promise<void>
}

/** Starts `file` (as of `import.meta.url`, ending in .js here) and waits for what it sends. */
export async function startChild<Ready>(
  file: URL,
  words: readonly string[],
  execArgv: readonly string[] = [],
): Promise<Child<Ready>> {
  const child = fork(fileURLToPath(file), [...words], { execArgv: [...execArgv] })
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ready))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${words.join(' ')} ended with ${code} before it served`)))
  })
  return {
    ready,
    process: child,
    cpuMs: () =>
      new Promise((resolve) => {
        child.once('message', (usage: NodeJS.CpuUsage) => resolve((usage.user + usage.system) / 1000))
        child.send('cpu')
      }),
    close: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}

/** In the child: says what the parent waits for, and ends when the parent is gone. */
export function serveParent(ready: object, close: () => unknown): void {
  process.send!(ready)
  process.on('message', (message) => {
    if (message === 'cpu') process.send!(process.cpuUsage())
  })
  process.once('disconnect', async () => {
    await close()
    process.exit(0)
  })
}
