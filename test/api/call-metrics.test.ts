// What is counted of calls reads as Prometheus wants it.

import { expect, test } from 'vitest'
import { createCallMetrics } from '../../src/api/call-metrics.ts'

test('calls, how long they took, and those in progress', async () => {
  const metrics = createCallMetrics()
  const check = metrics.of('grpc', '/Service/Check')
  expect(metrics.of('grpc', '/Service/Check')).toBe(check)
  expect(metrics.of('http', '/Service/Check')).not.toBe(check)
  check.finished('OK', 0.0005)
  check.finished('OK', 0.003)
  check.finished('CANCELLED', 7)
  metrics.of('grpc', '/Service/Watch').finished('OK', 100)
  metrics.open('grpc', 1)
  metrics.open('grpc', 1)
  metrics.open('grpc', -1)
  // Asked twice: what is told is not counted again.
  await metrics.registry.metrics()
  const lines = (await metrics.registry.metrics()).split('\n')
  const of = 'door="grpc",method="/Service/Check"'
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE cardea_calls_total counter',
      `cardea_calls_total{${of},code="OK"} 2`,
      `cardea_calls_total{${of},code="CANCELLED"} 1`,
      'cardea_calls_total{door="grpc",method="/Service/Watch",code="OK"} 1',
      '# TYPE cardea_call_duration_seconds histogram',
      `cardea_call_duration_seconds_bucket{le="0.0005",${of}} 1`,
      `cardea_call_duration_seconds_bucket{le="0.0025",${of}} 1`,
      `cardea_call_duration_seconds_bucket{le="0.005",${of}} 2`,
      `cardea_call_duration_seconds_bucket{le="5",${of}} 2`,
      `cardea_call_duration_seconds_bucket{le="+Inf",${of}} 3`,
      `cardea_call_duration_seconds_sum{${of}} 7.0035`,
      `cardea_call_duration_seconds_count{${of}} 3`,
      'cardea_calls_open{door="grpc"} 1',
    ]),
  )
  expect(lines.filter((line) => line.includes('duration') && line.includes('/Watch'))).toEqual([])
})

test('labels of the whole registry stand at all of them', async () => {
  const metrics = createCallMetrics()
  metrics.registry.setDefaultLabels({ worker: '3' })
  metrics.of('grpc', '/Service/Check').finished('OK', 1)
  const samples = (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('cardea'))
  expect(samples.length).toBeGreaterThan(10)
  for (const sample of samples) expect(sample).toContain('worker="3"')
})
