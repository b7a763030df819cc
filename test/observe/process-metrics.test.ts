import t from 'tap'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { ProcessMetrics } from '../../lib/observe/process-metrics.js'
import { type ProcessUsage } from '../../lib/system/process-usage.js'
import { parseMetrics } from './metrics-text.js'

const USAGE: ProcessUsage = {
  userSeconds: 2,
  systemSeconds: 0.5,
  residentBytes: 1000,
  virtualBytes: 3000,
  openFiles: 7,
  startTime: 1_700_000_000,
  maxOpenFiles: 1024,
  maxVirtualBytes: Infinity,
}

t.test('the control process has no label, and each worker has its number, until it exits', async t => {
  const usages = new Map([
    [10, USAGE],
    [11, { ...USAGE, userSeconds: 30 }],
    [12, { ...USAGE, userSeconds: 40 }],
  ])
  const registry = new MetricRegistry()
  const metrics = new ProcessMetrics(registry, pid => Promise.resolve(usages.get(pid)))
  const read = async (...pids: readonly number[]) => {
    await metrics.refresh(pids.map(pid => ({ pid, worker: pid === 10 ? undefined : pid - 11 })))
    return parseMetrics((await registry.print()).join('\n') + '\n')
  }
  const { series, types } = await read(10, 11, 12)
  const shown = (name: string, from = series) =>
    Object.fromEntries([...from].filter(([key]) => key.replace(/\{.*/, '') === name))
  t.strictSame(shown('process_cpu_seconds_total'), {
    process_cpu_seconds_total: 2.5,
    'process_cpu_seconds_total{worker="0"}': 30.5,
    'process_cpu_seconds_total{worker="1"}': 40.5,
  })
  t.equal(types.get('process_cpu_seconds_total'), 'counter')
  t.equal(series.get('process_cpu_user_seconds_total{worker="1"}'), 40)
  t.equal(series.get('process_cpu_system_seconds_total{worker="1"}'), 0.5)
  t.equal(series.get('process_resident_memory_bytes'), 1000)
  t.equal(series.get('process_virtual_memory_bytes{worker="0"}'), 3000)
  t.equal(series.get('process_open_fds'), 7)
  t.equal(series.get('process_max_fds'), 1024)
  t.equal(series.get('process_start_time_seconds{worker="0"}'), 1_700_000_000)
  usages.delete(12)
  t.strictSame(Object.keys(shown('process_cpu_seconds_total', (await read(10, 11, 12)).series)), [
    'process_cpu_seconds_total',
    'process_cpu_seconds_total{worker="0"}',
  ])
  t.strictSame(Object.keys(shown('process_open_fds', (await read(10)).series)), ['process_open_fds'])
})
