// A worker as its parent sees it: started when needed, given one request at a time, ended when it hangs.

import { type ChildProcess, fork } from 'node:child_process'
import { dirname, join } from 'node:path'
import type { Coverage, Report, Request, Start, Verdict } from './messages.ts'

/** Milliseconds that a unit may take beyond a multiple of what it takes without a fault. */
const graceMs = 4000
const slowdown = 10
const startMs = 60_000

export class Hang extends Error {}
export class Broken extends Error {}

export class WorkerProcess {
  readonly #script: string
  readonly #start: Start
  #child: ChildProcess | undefined

  constructor(script: string, start: Start) {
    this.#script = script
    this.#start = start
  }

  async cover(verify: boolean): Promise<Coverage> {
    return (await this.#request({ kind: 'cover', verify }, () => 900_000)) as Coverage
  }

  /** Throws {@link Hang} when a unit takes too long, {@link Broken} when the process ends. */
  async judge(
    fault: string,
    units: readonly string[],
    maxHits: number,
    msOf: (unit: string) => number,
  ): Promise<Verdict> {
    return (await this.#request({ kind: 'judge', fault, units, maxHits }, msOf)) as Verdict
  }

  end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  async #request(request: Request, msOf: (unit: string) => number): Promise<Report> {
    if (this.#child === undefined) {
      const execArgv = ['--max-old-space-size=3000']
      this.#child = fork(this.#script, [], {
        cwd: join(dirname(this.#script), '../..'),
        execArgv,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      await this.#exchange(this.#start, startMs, () => startMs).catch((error: Error) => {
        // Only a fault that is active from the start can keep a worker from starting.
        throw this.#start.planted === '' ? new Error(`No worker starts: ${error.message}`) : error
      })
    }
    return this.#exchange(request, request.kind === 'cover' ? msOf('') : graceMs, msOf)
  }

  #exchange(message: object, firstMs: number, msOf: (unit: string) => number): Promise<Report> {
    const child = this.#child!
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout
      let unit = ''
      const settle = (finish: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        finish()
      }
      const fail = (error: Error) =>
        settle(() => {
          this.end()
          reject(error)
        })
      const wait = (ms: number) => {
        clearTimeout(timer)
        timer = setTimeout(() => fail(new Hang(unit)), ms)
      }
      const onExit = () => fail(new Broken(`The process ended in ${unit}.`))
      const onMessage = (report: Report) => {
        if (report.kind === 'trying') {
          unit = report.unit
          wait(graceMs + slowdown * msOf(unit))
        } else if (report.kind === 'broken') fail(new Broken(report.complaint))
        else settle(() => resolve(report))
      }
      child.on('message', onMessage)
      child.on('exit', onExit)
      wait(firstMs)
      child.send(message)
    })
  }
}
