import t from 'tap'
import { ConntrackMetrics } from '../../lib/observe/conntrack-metrics.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { type ConntrackUsage, readConntrackUsage } from '../../lib/system/conntrack-usage.js'
import { parseMetrics } from './metrics-text.js'

t.test('the entries of connection tracking and their limit are shown while the kernel has it', async t => {
  let usage: ConntrackUsage | undefined
  const registry = new MetricRegistry()
  const metrics = new ConntrackMetrics(registry, () => usage)
  const read = async () => {
    metrics.refresh()
    const { types, series } = parseMetrics((await registry.print()).join('\n') + '\n')
    t.equal(types.get('kubeproxy_conntrack_entries'), 'gauge')
    t.equal(types.get('kubeproxy_conntrack_entries_limit'), 'gauge')
    return Object.fromEntries(series)
  }
  t.strictSame(await read(), {}, 'none')
  usage = { entries: 0, limit: 262_144 }
  t.strictSame(await read(), { kubeproxy_conntrack_entries: 0, kubeproxy_conntrack_entries_limit: 262_144 })
  usage = { entries: 12, limit: 262_144 }
  t.strictSame(await read(), { kubeproxy_conntrack_entries: 12, kubeproxy_conntrack_entries_limit: 262_144 })
  usage = undefined
  t.strictSame(await read(), {}, 'none again')
})

t.test('the usage comes from two files of the kernel; if it lacks one of them, the usage is unknown', t => {
  const folder = '/proc/sys/net/netfilter'
  const files = new Map([[`${folder}/nf_conntrack_count`, 7]])
  const read = (file: string) => files.get(file)
  t.equal(readConntrackUsage({ read }), undefined)
  files.set(`${folder}/nf_conntrack_max`, 100)
  t.strictSame(readConntrackUsage({ read }), { entries: 7, limit: 100 })
  files.delete(`${folder}/nf_conntrack_count`)
  t.equal(readConntrackUsage({ read }), undefined)
  t.end()
})
