// The tail of the log, as the followers of this process know it: nothing is told twice, left out or out of order,
// whichever process wrote it. Polling is the truth; notifications only hurry it.

import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import type { Client } from 'pg'
import type { CardeaError } from '../../model/errors.ts'
import type { Revision } from '../../model/revision.ts'
import type { LogFollowers } from '../followers.ts'
import type { Head, LogEntry, LogListener } from '../store.ts'
import type { Position, Reader } from './reader.ts'

export interface TailSettings {
  readonly clock: () => number
  readonly pollIntervalMs: number
  /** A connection that waits for notifications; `onLost` is called when it is lost by itself. */
  readonly openListening: (onLost: () => void) => Promise<Client>
  /** Called with the reason when the log turns out to be another one, before the followers hear of it. */
  readonly onBroken: () => Promise<void>
}

const anyRevision = Number.MAX_SAFE_INTEGER
const firstRetryMs = 100
const maxRetryMs = 5_000
/** Polls come at least so often while the server is away, so that reads go on soon after it is back. */
const maxPollPauseMs = 1_000

export class Tail {
  readonly #reader: Reader
  readonly #followers: LogFollowers
  readonly #settings: TailSettings
  /** What the followers know; undefined while there are none. */
  #position: Head | undefined
  /** What works on the position now, and what waits for it: one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #waitingCatchUp: Promise<void> | undefined
  #listening: Client | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #polling: ReturnType<typeof setInterval> | undefined
  /** Polls that failed one after the other, and those to be left out for it. */
  #failures = 0
  #leftOut = 0
  #closed = false

  constructor(reader: Reader, followers: LogFollowers, settings: TailSettings) {
    this.#reader = reader
    this.#followers = followers
    this.#settings = settings
  }

  /** Listens first, so that what is committed after any later read is noticed. Fails when the server cannot be reached. */
  async start(): Promise<void> {
    await this.#listen()
    this.#polling = setInterval(() => this.#poll(), this.#settings.pollIntervalMs)
    this.#polling.unref()
  }

  /** Hands a listener what it missed; it follows from there. */
  async join(after: Position, listener: LogListener): Promise<() => void> {
    const joining = this.#followers.add(listener)
    let known = after
    // Most of a long past is read while the others go on.
    for (let far = true; far; ) {
      const page = await this.#reader.page(known, anyRevision)
      if (page.broken !== undefined) {
        joining.break(page.broken)
        return () => {}
      }
      joining.catchUp(page.entries)
      known = page.entries.at(-1) ?? known
      far = known.revision < page.head.revision
    }
    await this.#inTurn(async () => {
      await this.#catchUp()
      for (;;) {
        const readAtMs = this.#settings.clock()
        const page = await this.#reader.page(known, this.#position?.revision ?? anyRevision)
        if (page.broken !== undefined) return joining.break(page.broken)
        joining.catchUp(page.entries)
        known = page.entries.at(-1) ?? known
        // Where the others are, so that all hear of what comes next at the same time; the head for the first one.
        const goal = this.#position ?? page.head
        if (known.revision < goal.revision) continue
        this.#position = goal
        return joining.join(goal, readAtMs)
      }
    })
    return () => joining.end()
  }

  /** The followers know everything up to a revision when this resolves, if the server can be reached. */
  async reach(revision: Revision): Promise<void> {
    while (this.#position !== undefined && this.#position.revision < revision && !this.#closed) {
      await this.#nextCatchUp()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#polling)
    clearTimeout(this.#retry)
    await this.#listening?.end().catch(() => {})
    await this.#turn
  }

  /** A catch-up that begins after now; callers share it as long as it has not begun. */
  #nextCatchUp(): Promise<void> {
    this.#waitingCatchUp ??= this.#inTurn(() => {
      this.#waitingCatchUp = undefined
      return this.#catchUp()
    })
    return this.#waitingCatchUp
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  /** Tells the followers what was committed since, and that the head was confirmed. */
  async #catchUp(): Promise<void> {
    while (this.#position !== undefined && !this.#closed) {
      const readAtMs = this.#settings.clock()
      const page = await this.#reader.page(this.#position, anyRevision)
      if (page.broken !== undefined) return await this.#break(page.broken)
      for (const entry of page.entries) {
        this.#position = headOf(entry)
        this.#followers.deliver(entry)
      }
      if (this.#position.revision < page.head.revision) continue
      this.#followers.confirm(page.head, readAtMs)
      return
    }
  }

  /** Ends all following: whoever followed must load again. */
  break(error: CardeaError): Promise<void> {
    return this.#inTurn(() => this.#break(error))
  }

  async #break(error: CardeaError): Promise<void> {
    this.#position = undefined
    // Whoever loads again does so with the identity of what is there now.
    await this.#settings.onBroken().catch(() => {})
    this.#followers.break(error)
  }

  /** The server has just spoken: no more waiting. */
  #hurry(): void {
    this.#leftOut = 0
    this.#poll()
  }

  #poll(): void {
    if (this.#followers.size === 0) {
      // Nobody is left to tell: the next one who joins brings its own position.
      void this.#inTurn(async () => {
        if (this.#followers.size === 0) this.#position = undefined
      })
    } else {
      if (this.#leftOut > 0) {
        this.#leftOut -= 1
        return
      }
      this.#nextCatchUp().then(
        () => {
          this.#failures = 0
        },
        // While the server is away nothing is confirmed, which is how the followers learn that they grow stale.
        () => {
          this.#failures += 1
          const mostLeftOut = Math.floor(maxPollPauseMs / this.#settings.pollIntervalMs) - 1
          // Not all processes at once: the server may be back and busy.
          this.#leftOut = Math.floor(Math.random() * Math.min(2 ** this.#failures, mostLeftOut + 1))
        },
      )
    }
  }

  /** Fails when the connection is not there in the end; one that was is replaced when it is lost. */
  async #listen(): Promise<void> {
    let [listening, lost] = [false, false]
    const client = await this.#settings.openListening(() => {
      lost = true
      if (listening) this.#listenAgain(firstRetryMs)
    })
    client.on('notification', ({ payload }) => {
      // What this very process wrote has mostly been told already.
      if (Number(payload) > (this.#position?.revision ?? 0)) this.#hurry()
    })
    try {
      await client.query('LISTEN cardea')
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    if (lost) throw new Error('Connection terminated')
    listening = true
    this.#listening = client
    if (this.#closed) await client.end().catch(() => {})
  }

  #listenAgain(waitMs: number): void {
    this.#listening = undefined
    if (this.#closed) return
    this.#retry = setTimeout(
      () => {
        // What was committed meanwhile is found by the poll, which also notices when the log is another one.
        this.#listen().then(
          () => this.#hurry(),
          () => this.#listenAgain(Math.min(waitMs * 2, maxRetryMs)),
        )
      },
      waitMs * (0.5 + Math.random() / 2),
    )
    this.#retry.unref()
  }
}

function headOf({ revision, nonce, committedAtMs, schemaRevision }: LogEntry): Head {
  return { revision, nonce, committedAtMs, schemaRevision }
}
