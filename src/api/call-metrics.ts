// What the doors count, for Prometheus.

import { Counter, Gauge, type Histogram, Registry } from 'prom-client'

export type DoorName = 'grpc' | 'http'

/** The counts of one method at one door. */
export interface MethodCounts {
  /** A call is over. `code` is a gRPC status name. */
  finished(code: string, seconds: number): void
}

export interface CallMetrics {
  readonly registry: Registry
  /** Always the same ones for the same door and method. */
  of(door: DoorName, method: string): MethodCounts
  open(door: DoorName, change: 1 | -1): void
}

/** Upper bounds of the histogram, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Counters of their own registry, so that several services can live in one process. */
export function createCallMetrics(): CallMetrics {
  const registry = new Registry()
  const registers = [registry]
  const counted = new Map<string, Counts>()
  const open = new Map<DoorName, number>()
  new Counter({
    name: 'cardea_calls_total',
    help: 'Calls by door, method and gRPC status.',
    labelNames: ['door', 'method', 'code'],
    registers,
    collect() {
      this.reset()
      for (const { door, method, codes } of counted.values())
        for (const [code, count] of codes) this.inc({ door, method, code }, count)
    },
  })
  registry.registerMetric(durations(counted))
  new Gauge({
    name: 'cardea_calls_open',
    help: 'Calls in progress, by door.',
    labelNames: ['door'],
    registers,
    collect() {
      for (const [door, count] of open) this.set({ door }, count)
    },
  })
  return {
    registry,
    of(door, method) {
      const key = `${door} ${method}`
      const known = counted.get(key)
      if (known !== undefined) return known
      const counts = new Counts(door, method)
      counted.set(key, counts)
      return counts
    },
    open: (door, change) => {
      open.set(door, (open.get(door) ?? 0) + change)
    },
  }
}

/**
 * Plain numbers, put into words when somebody asks. Prometheus' own counters look their labels up by text at every
 * count: six microseconds for a call, twice what a check takes.
 */
class Counts implements MethodCounts {
  readonly door: DoorName
  readonly method: string
  readonly codes = new Map<string, number>()
  /** Calls by the first bound that they kept within; the last are those beyond all. */
  readonly within = new Float64Array(bounds.length + 1)
  seconds = 0
  readonly timed: boolean

  constructor(door: DoorName, method: string) {
    this.door = door
    this.method = method
    this.timed = !method.endsWith('/Watch')
  }

  finished(code: string, seconds: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
    if (!this.timed) return
    let at = 0
    while (at < bounds.length && seconds > bounds[at]!) at += 1
    this.within[at]! += 1
    this.seconds += seconds
  }
}

/** A histogram as a registry sees one, made of what was counted: prom-client's own can only be told call by call. */
function durations(counted: ReadonlyMap<string, Counts>): Histogram {
  const name = 'cardea_call_duration_seconds'
  const get = async () => ({
    name,
    help: 'How long calls took, by door and method. Watch streams are left out.',
    type: 'histogram',
    aggregator: 'sum',
    values: [...counted.values()].filter(({ timed }) => timed).flatMap((counts) => valuesOf(name, counts)),
  })
  return { name, get } as unknown as Histogram
}

function valuesOf(name: string, { door, method, within, seconds }: Counts) {
  const labels = { door, method }
  let count = 0
  const buckets = Array.from(within, (calls, at) => {
    count += calls
    const le = at < bounds.length ? bounds[at]! : '+Inf'
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: seconds },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
