// What is measured of the datastore behind the doors, for Prometheus.

import { Gauge, type Registry } from 'prom-client'

export interface MeasuredDatastore {
  readonly ready: boolean
  /** How long the newest revision here was not confirmed to be the datastore's, in milliseconds. */
  readonly stalenessMs: number
  /** The newest revision here; undefined while loading. */
  readonly revision: number | undefined
}

/** Adds gauges that look whenever they are asked. */
export function measureDatastore(registry: Registry, datastore: MeasuredDatastore): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  gauge('cardea_datastore_ready', 'Whether reads can be answered: 1 or 0.', () => Number(datastore.ready))
  gauge(
    'cardea_datastore_staleness_seconds',
    "How long ago the newest revision here was confirmed to be the datastore's. Reads end at --max-staleness.",
    () => datastore.stalenessMs / 1000,
  )
  gauge(
    'cardea_datastore_revision',
    'The newest revision here; the difference between replicas is their lag. 0 while loading.',
    () => datastore.revision ?? 0,
  )
}
