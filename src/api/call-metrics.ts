// What the doors count, for Prometheus.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface CallMetrics {
  readonly registry: Registry
  /** A call is over. `code` is a gRPC status name. */
  finished(door: 'grpc' | 'http', method: string, code: string, seconds: number): void
  open(door: 'grpc' | 'http', change: 1 | -1): void
}

/** Counters of their own registry, so that several services can live in one process. */
export function createCallMetrics(): CallMetrics {
  const registry = new Registry()
  const calls = new Counter({
    name: 'cardea_calls_total',
    help: 'Calls by door, method and gRPC status.',
    labelNames: ['door', 'method', 'code'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'cardea_call_duration_seconds',
    help: 'How long calls took, by door and method. Watch streams are left out.',
    labelNames: ['door', 'method'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  })
  const open = new Gauge({
    name: 'cardea_calls_open',
    help: 'Calls in progress, by door.',
    labelNames: ['door'],
    registers: [registry],
  })
  const counted = new Map<string, Counter.Internal>()
  const measured = new Map<string, Histogram.Internal<string>>()
  return {
    registry,
    finished(door, method, code, seconds) {
      madeOnce(counted, `${door} ${method} ${code}`, () => calls.labels(door, method, code)).inc()
      if (method.endsWith('/Watch')) return
      madeOnce(measured, `${door} ${method}`, () => durations.labels(door, method)).observe(seconds)
    },
    open: (door, change) => open.labels(door).inc(change),
  }
}

/** Finding a labelled child by its labels costs more than counting. */
function madeOnce<Value>(made: Map<string, Value>, key: string, make: () => Value): Value {
  const known = made.get(key)
  if (known !== undefined) return known
  const value = make()
  made.set(key, value)
  return value
}
