// docs/performance.svg: the time of a check against the size of the data, Cardea's and the limit's, uniform and Zipf.

import { writeFileSync } from 'node:fs'
import type { Spread } from './generator.ts'

interface Point {
  readonly size: number
  readonly limitNs: number
  readonly cardeaNs: number
}

/** Draws the points of growth.ts; rejects when the library that draws is not installed. */
export async function writePicture(path: string, points: Record<Spread, readonly Point[]>): Promise<void> {
  // Loaded here, since only this needs it.
  const { init } = await import('echarts')
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 420 })
  const line = (spread: Spread, who: 'cardea' | 'limit', color: string) => ({
    type: 'line',
    name: `${who === 'cardea' ? 'Cardea' : 'the limit'}, ${spread === 'zipf' ? 'Zipf' : 'uniform'}`,
    data: points[spread].map((point) => [
      point.size,
      Math.round(who === 'cardea' ? point.cardeaNs : point.limitNs) / 1000,
    ]),
    color,
    symbolSize: 8,
    lineStyle: { type: spread === 'zipf' ? 'dashed' : 'solid' },
  })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: 'Time of one check against the size of the data',
      left: 'center',
      textStyle: { fontSize: 15 },
    },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 50, bottom: 80 },
    xAxis: {
      type: 'log',
      name: 'relationships',
      nameLocation: 'middle',
      nameGap: 30,
      axisLabel: { formatter: (value: number) => value.toLocaleString('en') },
    },
    yAxis: { type: 'value', name: 'µs per check', min: 0 },
    series: [
      line('uniform', 'cardea', '#1f5fbf'),
      line('zipf', 'cardea', '#1f5fbf'),
      line('uniform', 'limit', '#8a8a8a'),
      line('zipf', 'limit', '#8a8a8a'),
    ],
  })
  writeFileSync(path, chart.renderToSVGString())
  chart.dispose()
}
