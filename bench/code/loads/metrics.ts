import { type Metric } from './load.js'

/** Metrics that several loads use. */
export const P50: Metric = { name: 'p50', title: 'median latency', unit: 'µs', better: 'lower' }
export const P99: Metric = { name: 'p99', title: 'p99 latency', unit: 'µs', better: 'lower' }
export const PER_SECOND = (of: string): Metric => ({ name: 'rate', title: `${of}/s`, unit: '/s', better: 'higher' })
export const PER_CPU = (of: string): Metric => ({
  name: 'perCpu',
  title: `${of} per CPU-second`,
  unit: '/CPU-s',
  better: 'higher',
})
/** How busy the contender was: near 1 it was the bottleneck. */
export const CPU_SHARE: Metric = {
  name: 'cpu',
  title: 'CPU of the contender',
  unit: 'CPU-s/s',
  better: 'lower',
  digits: 2,
}
