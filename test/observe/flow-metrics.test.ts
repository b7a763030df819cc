import t from 'tap'
import { FlowMetrics } from '../../lib/observe/flow-metrics.js'
import { LoopbackMetrics } from '../../lib/observe/loopback-metrics.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { ProxyPortMetrics } from '../../lib/observe/proxy-port-metrics.js'
import { parseMetrics } from './metrics-text.js'

async function read(registry: MetricRegistry) {
  return parseMetrics((await registry.print()).join('\n') + '\n')
}

t.test('searches for stale flows are measured for each family, from zero', async t => {
  const registry = new MetricRegistry()
  const metrics = new FlowMetrics(registry, ['IPv4', 'IPv6'])
  const name = 'kubeproxy_conntrack_reconciler'
  const before = await read(registry)
  t.equal(before.types.get(`${name}_sync_duration_seconds`), 'histogram')
  t.equal(before.types.get(`${name}_deleted_entries_total`), 'counter')
  for (const family of ['IPv4', 'IPv6']) {
    t.equal(before.series.get(`${name}_deleted_entries_total{ip_family="${family}"}`), 0)
    t.equal(before.series.get(`${name}_sync_duration_seconds_count{ip_family="${family}"}`), 0)
  }
  const first = metrics.startCleanup('IPv4')
  const second = metrics.startCleanup('IPv4')
  second(3)
  first(0)
  const { series } = await read(registry)
  t.equal(series.get(`${name}_deleted_entries_total{ip_family="IPv4"}`), 3)
  t.equal(series.get(`${name}_sync_duration_seconds_count{ip_family="IPv4"}`), 2)
  t.equal(series.get(`${name}_sync_duration_seconds_count{ip_family="IPv6"}`), 0)
})

t.test('listeners for node ports on loopback are shown with the names of KEP-6032', async t => {
  const registry = new MetricRegistry()
  const metrics = new LoopbackMetrics(registry, ['IPv4', 'IPv6'])
  metrics.loopbackListeners('IPv4', 5, 2)
  metrics.loopbackListeners('IPv4', 4, 1)
  const { types, series } = await read(registry)
  const name = 'kubeproxy_nftables_localhost_nodeport_listener'
  t.equal(types.get(`${name}s`), 'gauge')
  t.equal(types.get(`${name}_creation_failures_total`), 'counter')
  t.equal(series.get(`${name}s{ip_family="IPv4"}`), 4)
  t.equal(series.get(`${name}s{ip_family="IPv6"}`), 0)
  t.equal(series.get(`${name}_creation_failures_total{ip_family="IPv4"}`), 3)
  t.equal(series.get(`${name}_creation_failures_total{ip_family="IPv6"}`), 0)
})

t.test('Service ports without a proxy port are counted, from zero', async t => {
  const registry = new MetricRegistry()
  const metrics = new ProxyPortMetrics(registry)
  const name = 'kubeproxy_userspace_service_ports_without_proxy_port'
  for (const count of [0, 3, 1]) {
    if (count > 0) metrics.servicePortsWithoutPort(count)
    const { types, series } = await read(registry)
    t.equal(types.get(name), 'gauge')
    t.equal(series.get(name), count)
  }
})
