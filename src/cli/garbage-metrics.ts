// What garbage collection counts, for Prometheus.

import { Counter, Gauge, type Registry } from 'prom-client'
import type { GarbageOptions } from '../authorizer/garbage-collection.ts'

/** Counts the runs of garbage collection into a registry. */
export function measureGarbage(registry: Registry): Required<Pick<GarbageOptions, 'onRun' | 'onFailure'>> {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] })
  const runs = counter('cardea_gc_runs_total', 'Runs of garbage collection that finished.')
  const failures = counter('cardea_gc_failures_total', 'Runs of garbage collection that failed.')
  const entries = counter('cardea_gc_log_entries_total', 'Transactions of the log that were forgotten.')
  const rows = counter('cardea_gc_expired_rows_total', 'Expired relationships that left the datastore.')
  const resident = counter('cardea_gc_resident_rows_total', 'Expired relationships that left memory.')
  const last = new Gauge({
    name: 'cardea_gc_last_run_timestamp_seconds',
    help: 'When the last run of garbage collection finished.',
    registers: [registry],
  })
  return {
    onRun: (run) => {
      runs.inc()
      entries.inc(run.entries)
      rows.inc(run.rows)
      resident.inc(run.residentRows)
      last.setToCurrentTime()
    },
    onFailure: () => failures.inc(),
  }
}
