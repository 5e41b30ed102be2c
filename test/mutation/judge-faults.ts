// Tries every fault against the units that come past it, the likeliest and cheapest first.

import type { Fault } from './faults.ts'
import type { Coverage } from './messages.ts'
import { Broken, Hang, type WorkerProcess } from './worker-process.ts'

export type Outcome = 'noticed' | 'endless' | 'survived' | 'never reached'

export interface Judged extends Fault {
  readonly outcome: Outcome
  readonly by?: string
  readonly complaint?: string
}

/** How the names of a room's own units begin: they are tried before all others. */
const unitsOfRoom: { readonly [room: string]: readonly string[] } = {
  caveats: ['caveats/'],
  engine: ['case ', 'engine/', 'property/'],
  schema: ['schema/'],
}

function roomOf({ file }: Fault): string {
  return file.slice(0, file.indexOf('/'))
}

/** What a random case is asked, a test of the room itself, or the file of any other test. */
function kindOf(unit: string, room: string): string {
  if (unit.startsWith('case ')) return unit.replace(/^case \d+/, '')
  return unit.startsWith(`${room}/`) ? unit : unit.slice(0, unit.indexOf(':'))
}

/** Units that take longer wait for all the others. */
const longMs = 100

/** How often an active fault may be met in one unit. */
const maxHits = 3_000_000

/** Files that keep something for the life of the process. */
const filesWithState: readonly string[] = [
  'caveats/parse-expression.ts',
  'caveats/standard-functions.ts',
  'caveats/time.ts',
]

/** Units that noticed lately are tried first: neighbours are noticed by the same ones. */
const remembered = 6

export interface Judging {
  readonly coverage: Coverage
  /** Milliseconds of units, by their time without a fault, after which a fault counts as survived. */
  readonly patienceMs: number
  /** A worker, with a fault that is active from the start or none. */
  worker(planted?: string): WorkerProcess
}

export async function judgeFaults(
  faults: Iterator<Fault>,
  { coverage, patienceMs, worker }: Judging,
  tell: (judged: Judged) => void,
): Promise<void> {
  const units = coverage.units.filter((unit) => unit.complaint === undefined)
  const msByUnit = new Map(units.map(({ name, ms }) => [name, ms]))
  const msOf = (unit: string) => msByUnit.get(unit) ?? 0
  const unitsByFault = new Map<string, string[]>()
  for (const unit of units) {
    for (const fault of unit.faults) {
      const known = unitsByFault.get(fault)
      if (known === undefined) unitsByFault.set(fault, [unit.name])
      else known.push(unit.name)
    }
  }
  const whileLoading = new Set(coverage.whileLoading)
  const whileCollecting = new Set(coverage.whileCollecting)
  /** Whether what a fault breaks may have been made already when it becomes active. */
  const needsOwnProcess = ({ id, file }: Fault) =>
    whileLoading.has(id) ||
    (whileCollecting.has(id) && !unitsByFault.has(id)) ||
    filesWithState.includes(file)
  let recent: string[] = []
  const shared = worker()

  /** The cheapest unit of every kind, then the second of every kind, and so on: each kind asks something else. */
  const byTurns = (names: readonly string[], room: string): string[] => {
    const taken = new Map<string, number>()
    const turns = [...names]
      .sort((one, other) => msOf(one) - msOf(other))
      .map((name) => {
        const kind = kindOf(name, room)
        const turn = taken.get(kind) ?? 0
        taken.set(kind, turn + 1)
        return { name, turn }
      })
    const isLong = (name: string) => Number(msOf(name) > longMs)
    return turns
      .sort((one, other) => isLong(one.name) - isLong(other.name) || one.turn - other.turn)
      .map(({ name }) => name)
  }
  const within = (room: string, reached: readonly string[]): string[] => {
    const own = (name: string) => unitsOfRoom[room]?.some((start) => name.startsWith(start)) ?? false
    const names = [
      ...byTurns(reached.filter(own), room),
      ...byTurns(
        reached.filter((name) => !own(name)),
        room,
      ),
    ]
    const reaching = new Set(names)
    const first = recent.filter((name) => reaching.has(name))
    let spentMs = 0
    return [...new Set([...first, ...names])].filter((name) => {
      spentMs += msOf(name) + 0.2
      return spentMs < patienceMs
    })
  }
  const attempt = async (fault: Fault, process: WorkerProcess, names: string[]): Promise<Judged> => {
    try {
      const judge = () => process.judge(fault.id, within(roomOf(fault), names), maxHits, msOf)
      let verdict = await judge()
      if (verdict.spoilt) {
        // What was left behind may be another fault's: a process that has seen none but this one has the last word.
        process.end()
        verdict = await judge()
        if (verdict.spoilt) process.end()
      }
      const { by, complaint } = verdict
      if (by === undefined || complaint === undefined) return { ...fault, outcome: 'survived' }
      recent = [by, ...recent.filter((name) => name !== by)].slice(0, remembered)
      const outcome = complaint.includes('met too often') ? 'endless' : 'noticed'
      return { ...fault, outcome, by, complaint }
    } catch (thrown) {
      if (thrown instanceof Hang) return { ...fault, outcome: 'endless', by: thrown.message }
      if (thrown instanceof Broken) return { ...fault, outcome: 'noticed', complaint: thrown.message }
      throw thrown
    }
  }

  for (let next = faults.next(); next.done !== true; next = faults.next()) {
    const fault = next.value
    const reaching = unitsByFault.get(fault.id) ?? []
    let judged: Judged = { ...fault, outcome: 'never reached' }
    if (reaching.length > 0) judged = await attempt(fault, shared, reaching)
    if (needsOwnProcess(fault) && judged.outcome !== 'noticed' && judged.outcome !== 'endless') {
      const fresh = worker(fault.id)
      judged = await attempt(fault, fresh, unitsOfFile(fault, units))
      fresh.end()
    }
    tell(judged)
  }
  shared.end()

  /** What comes past anything in the file: a table made while loading is read there. */
  function unitsOfFile(fault: Fault, all: Coverage['units']): string[] {
    return all
      .map(({ name }) => name)
      .filter((name) => unitsOfRoom[roomOf(fault)]!.some((start) => name.startsWith(start)))
  }
}
