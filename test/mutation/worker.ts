// One process of the run: it loads the instrumented copy once and tries one fault after another.

import type { Coverage, Request, Start, Verdict } from './messages.ts'
import { plant, reachedBy } from './planted.ts'
import type { Unit } from './units.ts'

/** Faults that are active while files are loaded may loop there: then this process is ended from outside. */
const maxHitsWhileLoading = 5_000_000

let keep: ((folder: string, how: 'judge' | 'keep' | 'verify') => void) | undefined
let folder = ''
let units: ReadonlyMap<string, Unit> = new Map()
let whileLoading: readonly string[] = []
let whileCollecting: readonly string[] = []
let plantedFromTheStart = ''

async function start({ answersFolder, faultyFiles, planted }: Start): Promise<void> {
  plantedFromTheStart = planted
  plant(planted, maxHitsWhileLoading)
  whileLoading = await reachedBy(async () => {
    for (const file of faultyFiles) await import(`../../src/${file.replace('.ts', '.js')}`)
  })
  const { keepAnswersIn } = await import('./engine-units.ts')
  keep = keepAnswersIn
  folder = answersFolder
  keep(folder, 'judge')
  const { allUnits } = await import('./units.ts')
  whileCollecting = await reachedBy(async () => {
    units = new Map((await allUnits()).map((unit) => [unit.name, unit]))
  })
}

async function cover({ verify }: Request & { kind: 'cover' }): Promise<Coverage> {
  const covered: Coverage['units'][number][] = []
  for (const unit of units.values()) {
    let complaint: string | undefined
    await unit.prepare?.()
    keep?.(folder, verify ? 'verify' : 'keep')
    const begun = process.cpuUsage()
    const faults = await reachedBy(async () => {
      try {
        await unit.run()
      } catch (thrown) {
        complaint = messageOf(thrown)
      }
    })
    const { user, system } = process.cpuUsage(begun)
    const ms = (user + system) / 1000
    covered.push({
      name: unit.name,
      ms,
      faults,
      ...(complaint === undefined ? {} : { complaint }),
    })
  }
  keep?.(folder, 'judge')
  return { kind: 'covered', whileLoading, whileCollecting, units: covered }
}

async function judge({ fault, units: names, maxHits }: Request & { kind: 'judge' }): Promise<Verdict> {
  for (const name of names) {
    const unit = units.get(name)
    if (unit === undefined) return { kind: 'judged', fault, by: name, complaint: 'The unit is gone.' }
    process.send?.({ kind: 'trying', unit: name })
    try {
      await unit.prepare?.()
      plant(fault, maxHits)
      await unit.run()
    } catch (thrown) {
      plant(plantedFromTheStart, maxHits)
      const verdict = { kind: 'judged', fault, by: name, complaint: messageOf(thrown) } as const
      return plantedFromTheStart === '' && (await fails(unit)) ? { ...verdict, spoilt: true } : verdict
    } finally {
      plant(plantedFromTheStart, maxHits)
    }
  }
  return { kind: 'judged', fault }
}

/** Whether a unit fails without a fault, as it does where a fault has left something behind. */
async function fails(unit: Unit): Promise<boolean> {
  process.send?.({ kind: 'trying', unit: unit.name })
  try {
    await unit.prepare?.()
    await unit.run()
    return false
  } catch {
    return true
  }
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)).slice(0, 300)
}

process.on('message', async (message: Start | Request) => {
  try {
    if (message.kind === 'start') await start(message)
    const answer =
      message.kind === 'start'
        ? { kind: 'started' }
        : message.kind === 'cover'
          ? await cover(message)
          : await judge(message)
    process.send?.(answer)
  } catch (thrown) {
    process.send?.({ kind: 'broken', complaint: messageOf(thrown) })
  }
})
