import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import {
  type DataPlaneCounts,
  type ListenerCounts,
  type TrafficCounts,
  zeroTrafficCounts,
} from '../../lib/dataplane/data-plane.js'
import { MetricRegistry } from '../../lib/observe/metric-registry.js'
import { Metrics } from '../../lib/observe/metrics.js'
import { makeServicePort } from '../support/model/make-service-port.js'
import { type MetricsText, parseMetrics } from './metrics-text.js'

const STARTED = Date.UTC(2026, 0, 1)

class Fixture {
  listeners: ListenerCounts[] = []
  descriptors = { used: 0, limit: 0, waited: 0, shed: 0, evicted: 0 }
  readonly memory = {
    heldBack: { used: 1, limit: 2, waited: 0, shed: 0, evicted: 3 },
    unanswered: { used: 4, limit: 5, waited: 0, shed: 6, evicted: 0 },
    sendQueue: { used: 7, limit: 8, waited: 0, shed: 9, evicted: 0 },
    affinity: { used: 10, limit: 11, waited: 0, shed: 0, evicted: 12 },
  }
  flows = { used: 0, limit: 0, waited: 0, shed: 0, evicted: 0 }
  dials = { used: 0, limit: 0, waited: 0, shed: 0 }
  unserved = 0
  reads = 0
  pending = { services: 0, endpoints: 0 }
  readonly metrics = new Metrics({
    registry: new MetricRegistry(),
    families: ['IPv4', 'IPv6'],
    mode: { mode: 'userspace', rejected: [] },
    dataPlane: { counts: () => this.#counts() },
    pending: () => this.pending,
    startedAt: STARTED,
    version: '1.2.3',
  })

  async read(): Promise<MetricsText> {
    return parseMetrics(await this.metrics.text())
  }

  #counts(): DataPlaneCounts {
    this.reads++
    return {
      listeners: this.listeners,
      unserved: this.unserved,
      descriptors: this.descriptors,
      flows: this.flows,
      dials: this.dials,
      memory: this.memory,
    }
  }
}

function listener(key: string, traffic: Partial<TrafficCounts> = {}, endpoints = 0): ListenerCounts {
  const [, namespace, service, portName, protocol] = /^IPv[46]\/(.*)\/(.*):(.*)\/(TCP|UDP)$/.exec(key)!
  return {
    key,
    namespace: namespace!,
    service: service!,
    portName: portName!,
    protocol: protocol as 'TCP' | 'UDP',
    endpoints,
    limited: false,
    traffic: { ...zeroTrafficCounts(), ...traffic },
  }
}

const HTTP = 'ip_family="IPv4",namespace="ns",service="web",port="http",protocol="TCP"'

t.test('the traffic of a Service port is shown, with the right metric types', async t => {
  const fixture = new Fixture()
  const traffic = {
    ...{ connections: 10, active: 2, bytesToEndpoint: 300, bytesToClient: 4000, dialFailures: 5, refused: 6 },
    ...{ ejections: 8, ejected: 3 },
  }
  fixture.listeners = [listener('IPv4/ns/web:http/TCP', traffic, 7)]
  fixture.descriptors = { used: 11, limit: 1000, waited: 12, shed: 13, evicted: 17 }
  fixture.unserved = 21
  fixture.flows = { used: 18, limit: 100, waited: 0, shed: 19, evicted: 20 }
  fixture.dials = { used: 14, limit: 64, waited: 15, shed: 16 }
  const { types, series } = await fixture.read()
  const expected: readonly [name: string, labels: string, type: string, value: number][] = [
    ['connections_total', `{${HTTP}}`, 'counter', 10],
    ['connections_active', `{${HTTP}}`, 'gauge', 2],
    ['bytes_total', `{${HTTP},direction="to_endpoint"}`, 'counter', 300],
    ['bytes_total', `{${HTTP},direction="to_client"}`, 'counter', 4000],
    ['dial_failures_total', `{${HTTP}}`, 'counter', 5],
    ['refused_total', `{${HTTP}}`, 'counter', 6],
    ['endpoints', `{${HTTP}}`, 'gauge', 7],
    ['endpoints_ejected', `{${HTTP}}`, 'gauge', 3],
    ['ejections_total', `{${HTTP}}`, 'counter', 8],
    ['listeners_unserved', '', 'gauge', 21],
    ['descriptors_used', '', 'gauge', 11],
    ['descriptors_limit', '', 'gauge', 1000],
    ['descriptors_waited_total', '', 'counter', 12],
    ['descriptors_shed_total', '', 'counter', 13],
    ['descriptors_evicted_total', '', 'counter', 17],
    ['flows', '', 'gauge', 18],
    ['flows_limit', '', 'gauge', 100],
    ['flows_shed_total', '', 'counter', 19],
    ['flows_evicted_total', '', 'counter', 20],
    ['dials_in_progress', '', 'gauge', 14],
    ['dials_limit', '', 'gauge', 64],
    ['dials_waited_total', '', 'counter', 15],
    ['dials_shed_total', '', 'counter', 16],
    ['memory_bytes', '{purpose="held-back"}', 'gauge', 1],
    ['memory_limit_bytes', '{purpose="held-back"}', 'gauge', 2],
    ['memory_evicted_total', '{purpose="held-back"}', 'counter', 3],
    ['memory_bytes', '{purpose="unanswered-datagrams"}', 'gauge', 4],
    ['memory_shed_total', '{purpose="unanswered-datagrams"}', 'counter', 6],
    ['memory_limit_bytes', '{purpose="queued-datagrams"}', 'gauge', 8],
    ['memory_shed_total', '{purpose="queued-datagrams"}', 'counter', 9],
    ['memory_bytes', '{purpose="affinity"}', 'gauge', 10],
    ['memory_evicted_total', '{purpose="affinity"}', 'counter', 12],
  ]
  for (const [name, labels, type, value] of expected) {
    t.equal(types.get(`kubeproxy_userspace_${name}`), type, `type of ${name}`)
    t.equal(series.get(`kubeproxy_userspace_${name}${labels}`), value, `value of ${name}`)
  }
})

t.test('a second scrape shows the current totals, not a sum with the earlier ones', async t => {
  const fixture = new Fixture()
  fixture.listeners = [listener('IPv4/ns/web:http/TCP', { connections: 10 })]
  fixture.descriptors.waited = 3
  await fixture.read()
  fixture.listeners = [listener('IPv4/ns/web:http/TCP', { connections: 12 })]
  const { series } = await fixture.read()
  t.equal(series.get(`kubeproxy_userspace_connections_total{${HTTP}}`), 12)
  t.equal(series.get('kubeproxy_userspace_descriptors_waited_total'), 3)
})

t.test('each family, protocol and port of a Service has its own series', async t => {
  const fixture = new Fixture()
  fixture.listeners = [
    listener('IPv4/ns/web:http/TCP', { connections: 1 }),
    listener('IPv6/ns/web:http/TCP', { connections: 2 }),
    listener('IPv4/ns/web:http/UDP', { connections: 3 }),
    listener('IPv4/ns/web:/TCP', { connections: 4 }),
  ]
  const { series } = await fixture.read()
  const values = [...series]
    .filter(([name]) => name.startsWith('kubeproxy_userspace_connections_total'))
    .map(([, v]) => v)
  t.strictSame(values.sort(), [1, 2, 3, 4])
  t.equal(series.get(`kubeproxy_userspace_connections_total{${HTTP.replace('IPv4', 'IPv6')}}`), 2)
})

t.test('all series of a removed Service disappear', async t => {
  const fixture = new Fixture()
  fixture.listeners = [listener('IPv4/ns/web:http/TCP', { connections: 1 }), listener('IPv4/ns/gone:http/TCP')]
  const before = await fixture.read()
  t.equal([...before.series.keys()].filter(name => name.includes('service="gone"')).length, 9)
  fixture.listeners = fixture.listeners.slice(0, 1)
  const after = await fixture.read()
  t.equal([...after.series.keys()].filter(name => name.includes('service="gone"')).length, 0)
  t.equal([...after.series.keys()].filter(name => name.includes('service="web"')).length, 9)
})

t.test('thousands of Service ports have all their series under one header', async t => {
  const fixture = new Fixture()
  fixture.listeners = Array.from({ length: 2001 }, (_, i) => listener(`IPv4/ns/web${i}:http/TCP`, { connections: i }))
  const text = await fixture.metrics.text()
  t.equal(text.match(/^# TYPE kubeproxy_userspace_connections_total /gm)?.length, 1)
  const { series } = parseMetrics(text)
  for (let i = 0; i < 2001; i++) {
    const labels = HTTP.replace('web', `web${i}`)
    if (series.get(`kubeproxy_userspace_connections_total{${labels}}`) !== i) t.fail(`web${i}`)
    if (!series.has(`kubeproxy_userspace_bytes_total{${labels},direction="to_client"}`)) t.fail(`bytes of web${i}`)
  }
})

t.test('a name that would break the text format is escaped', async t => {
  const fixture = new Fixture()
  const hostile = { ...listener('IPv4/ns/web:http/TCP', { connections: 1 }), service: 'a"} 1\nforged 1\\' }
  fixture.listeners = [hostile]
  const { series } = await fixture.read()
  t.notOk(series.has('forged'))
  t.equal(series.get(`kubeproxy_userspace_connections_total{${HTTP.replace('web', 'a\\"} 1\\nforged 1\\\\')}}`), 1)
})

t.test('syncs are shown for each family', async t => {
  const fixture = new Fixture()
  fixture.metrics.sync.queued('IPv4', STARTED + 1500)
  fixture.metrics.sync.synced('IPv4', STARTED + 4000, 3, [], 'full')
  fixture.metrics.sync.synced('IPv4', STARTED + 5000, 20_000, [], 'full')
  const { types, series } = await fixture.read()
  const family = 'ip_family="IPv4"'
  const name = 'kubeproxy_sync_proxy_rules'
  t.equal(types.get(`${name}_duration_seconds`), 'histogram')
  t.equal(series.get(`${name}_duration_seconds_bucket{le="0.002",${family}}`), 0)
  t.equal(series.get(`${name}_duration_seconds_bucket{le="0.004",${family}}`), 1)
  t.equal(series.get(`${name}_duration_seconds_bucket{le="16.384",${family}}`), 1)
  t.equal(series.get(`${name}_duration_seconds_bucket{le="+Inf",${family}}`), 2)
  t.equal(series.get(`${name}_duration_seconds_sum{${family}}`), 20.003)
  t.equal(series.get(`${name}_duration_seconds_count{${family}}`), 2)
  t.equal(series.get(`${name}_last_timestamp_seconds{${family}}`), STARTED / 1000 + 5)
  t.equal(series.get(`${name}_last_queued_timestamp_seconds{${family}}`), STARTED / 1000 + 1.5)
  t.notOk(series.has(`${name}_last_timestamp_seconds{ip_family="IPv6"}`))
})

t.test('full and partial syncs are measured for themselves, and together', async t => {
  const fixture = new Fixture()
  for (const [ms, extent] of [
    [1000, 'full'],
    [20, 'partial'],
    [30, 'partial'],
  ] as const)
    fixture.metrics.sync.synced('IPv6', STARTED, ms, [], extent)
  const { series } = await fixture.read()
  const shown = ['sync', 'sync_full', 'sync_partial'].map(name =>
    ['count', 'sum'].map(part =>
      series.get(`kubeproxy_${name}_proxy_rules_duration_seconds_${part}{ip_family="IPv6"}`),
    ),
  )
  t.strictSame(shown, [
    [3, 1.05],
    [1, 1],
    [2, 0.05],
  ])
})

t.test('the series of each family are there from the first scrape', async t => {
  const { series } = await new Fixture().read()
  for (const family of ['IPv4', 'IPv6']) {
    const labels = `{ip_family="${family}"}`
    for (const name of ['sync', 'sync_full', 'sync_partial'])
      t.equal(series.get(`kubeproxy_${name}_proxy_rules_duration_seconds_count${labels}`), 0)
    t.equal(series.get(`kubeproxy_network_programming_duration_seconds_count${labels}`), 0)
    t.equal(series.get(`kubeproxy_network_programming_duration_seconds_bucket{le="0.25",ip_family="${family}"}`), 0)
    for (const policy of ['internal', 'external'])
      t.equal(
        series.get(
          `kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="${policy}",ip_family="${family}"}`,
        ),
        0,
      )
  }
})

t.test('Services without a local endpoint that they need are shown for what the proxier serves now', async t => {
  const fixture = new Fixture()
  const servicePort = makeServicePort({ internalPolicyLocal: true })
  const served = { servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: true } }
  fixture.metrics.sync.applied({ generation: 1, ports: new Map([[servicePort.key, served]]) })
  const name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal",ip_family="IPv4"}'
  t.equal((await fixture.read()).series.get(name), 1)
  fixture.metrics.sync.applied({ generation: 2, ports: new Map() })
  t.equal((await fixture.read()).series.get(name), 0)
})

t.test('the buckets are those of kube-proxy', async t => {
  const fixture = new Fixture()
  fixture.metrics.sync.synced('IPv4', STARTED + 2, 1, [STARTED + 1], 'full')
  const { series } = await fixture.read()
  const bounds = (name: string): string[] =>
    [...series.keys()].flatMap(
      key => new RegExp(`^kubeproxy_${name}_bucket\\{le="([^"]+)",ip_family="IPv4"`).exec(key)?.[1] ?? [],
    )
  const sync = bounds('sync_proxy_rules_duration_seconds')
  t.strictSame([sync.length, sync[0], sync[1], sync.at(-2)], [16, '0.001', '0.002', '16.384'])
  const programming = bounds('network_programming_duration_seconds')
  t.equal(programming.length, 1 + 2 + 59 + 12 + 7 + 1)
  t.strictSame(
    [0, 1, 2, 3, 61, 62, 73, 74, 80, 81].map(index => programming[index]),
    ['0', '0.25', '0.5', '1', '59', '60', '115', '120', '300', '+Inf'],
  )
})

t.test('the programming time of each change after the start is shown, and is never negative', async t => {
  const fixture = new Fixture()
  fixture.metrics.sync.synced(
    'IPv6',
    STARTED + 10_000,
    1,
    [STARTED - 1, STARTED, STARTED + 8000, STARTED + 9500, STARTED + 99_000],
    'full',
  )
  const { series } = await fixture.read()
  const name = 'kubeproxy_network_programming_duration_seconds'
  t.equal(series.get(`${name}_count{ip_family="IPv6"}`), 3)
  t.equal(series.get(`${name}_sum{ip_family="IPv6"}`), 2.5)
})

t.test('changes, pending changes, rules and failed writes are shown', async t => {
  const fixture = new Fixture()
  fixture.metrics.sync.changed(2, 30)
  fixture.metrics.sync.changed(1, 0)
  fixture.pending = { services: 4, endpoints: 5 }
  fixture.metrics.sync.rulesWritten('IPv4', [
    { table: 'nat', owned: 12, written: 6 },
    { table: 'filter', owned: 3, written: 0 },
  ])
  fixture.metrics.sync.refused('IPv4', { rule: 2, kind: 0 })
  fixture.metrics.sync.restoreFailed('IPv4', 'full')
  fixture.metrics.sync.restoreFailed('IPv4', 'partial')
  fixture.metrics.sync.synced('IPv6', STARTED, 1, [], 'full')
  const { types, series } = await fixture.read()
  const expected: readonly [series: string, type: string, value: number][] = [
    ['service_changes_total', 'counter', 3],
    ['endpoint_changes_total', 'counter', 30],
    ['service_changes_pending', 'gauge', 4],
    ['endpoint_changes_pending', 'gauge', 5],
    ['iptables_total{table="nat",ip_family="IPv4"}', 'gauge', 12],
    ['iptables_total{table="filter",ip_family="IPv4"}', 'gauge', 3],
    ['iptables_last{table="nat",ip_family="IPv4"}', 'gauge', 6],
    ['iptables_last{table="filter",ip_family="IPv4"}', 'gauge', 0],
    ['refused_service_ports{ip_family="IPv4",cause="rule"}', 'gauge', 2],
    ['refused_service_ports{ip_family="IPv4",cause="kind"}', 'gauge', 0],
    ['iptables_restore_failures_total{ip_family="IPv4"}', 'counter', 2],
    ['iptables_partial_restore_failures_total{ip_family="IPv4"}', 'counter', 1],
    ['iptables_partial_restore_failures_total{ip_family="IPv6"}', 'counter', 0],
    ['iptables_restore_failures_total{ip_family="IPv6"}', 'counter', 0],
  ]
  for (const [name, type, value] of expected) {
    t.equal(series.get(`kubeproxy_sync_proxy_rules_${name}`), value, name)
    t.equal(types.get(`kubeproxy_sync_proxy_rules_${name.replace(/\{.*/, '')}`), type, `type of ${name}`)
  }
})

t.test('probes are counted by status, from zero', async t => {
  const fixture = new Fixture()
  fixture.metrics.probed('healthz', 200)
  fixture.metrics.probed('healthz', 200)
  fixture.metrics.probed('livez', 503)
  const { types, series } = await fixture.read()
  t.equal(types.get('kubeproxy_proxy_healthz_total'), 'counter')
  t.equal(series.get('kubeproxy_proxy_healthz_total{code="200"}'), 2)
  t.equal(series.get('kubeproxy_proxy_healthz_total{code="503"}'), 0)
  t.equal(series.get('kubeproxy_proxy_livez_total{code="200"}'), 0)
  t.equal(series.get('kubeproxy_proxy_livez_total{code="503"}'), 1)
})

t.test('metrics describe the process and the program', async t => {
  const { series } = await new Fixture().read()
  t.ok((series.get('process_resident_memory_bytes') ?? 0) > 0)
  t.ok([...series.keys()].some(name => name.startsWith('nodejs_eventloop_lag_')))
  t.ok([...series.keys()].some(name => name.startsWith('kubeproxy_build_info{version="1.2.3",')))
  t.equal(series.get('kubernetes_feature_enabled{name="ServiceInternalTrafficPolicy",stage=""}'), 1)
  t.ok(
    [...series.keys()].some(name => name.startsWith('kubernetes_build_info{major="1",minor="36",git_version="v1.36.')),
  )
})

t.test('simultaneous scrapes read the data plane once', async t => {
  const fixture = new Fixture()
  fixture.reads = 0
  const [one, two] = await Promise.all([fixture.metrics.text(), fixture.metrics.text()])
  t.equal(one, two)
  t.equal(fixture.reads, 1)
  await fixture.metrics.text()
  t.equal(fixture.reads, 2)
})

t.test('a scrape works after one that failed', async t => {
  const fixture = new Fixture()
  const good = fixture.pending
  Object.defineProperty(fixture, 'pending', {
    configurable: true,
    get: () => {
      throw new Error('not now')
    },
  })
  await t.rejects(fixture.metrics.text(), /not now/)
  Object.defineProperty(fixture, 'pending', { value: good })
  await t.resolves(fixture.metrics.text())
})

t.test('metrics alone do not keep the process alive', async t => {
  const program = `
    import { MetricRegistry } from ${JSON.stringify(new URL('../../lib/observe/metric-registry.js', import.meta.url).href)}
    import { Metrics } from ${JSON.stringify(new URL('../../lib/observe/metrics.js', import.meta.url).href)}
    const none = { used: 0, limit: 0, waited: 0, shed: 0 }
    const memory = { heldBack: none, unanswered: none, sendQueue: none, affinity: none }
    const counts = () => ({ listeners: [], unserved: 0, descriptors: none, flows: none, dials: none, memory })
    const metrics = new Metrics({ registry: new MetricRegistry(), families: [], mode: { mode: 'userspace', rejected: [] }, dataPlane: { counts }, pending: () => ({ services: 0, endpoints: 0 }), startedAt: 0, version: '0' })
    console.log((await metrics.text()).length > 0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill())
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  t.same(await once(child, 'close'), [0, null])
  t.equal(output, 'true\n')
})

t.test('rejected clients are shown by limit, for Services that have a limit or have rejected clients', async t => {
  const fixture = new Fixture()
  fixture.listeners = [
    { ...listener('IPv4/ns/web:http/TCP', { shedAtServiceLimit: 3, shedAtClientLimit: 4 }), limited: true },
    { ...listener('IPv4/ns/calm:http/TCP'), limited: true },
    listener('IPv4/ns/was:http/TCP', { shedAtClientLimit: 5 }),
    listener('IPv4/ns/free:http/TCP'),
  ]
  const { types, series } = await fixture.read()
  const name = 'kubeproxy_userspace_shed_total'
  t.equal(types.get(name), 'counter')
  const shown = [...series].filter(([key]) => key.startsWith(name))
  t.strictSame(
    shown.map(([key, value]) => `${/service="(.*?)"/.exec(key)![1]} ${/reason="(.*?)"/.exec(key)![1]} ${value}`),
    [
      'web service-limit 3',
      'web client-limit 4',
      'calm service-limit 0',
      'calm client-limit 0',
      'was service-limit 0',
      'was client-limit 5',
    ],
  )
})

t.test('the listeners of one Service port, for several traffic classes, are one series', async t => {
  const fixture = new Fixture()
  const key = 'IPv4/default/web:http/TCP'
  fixture.listeners = [
    listener(key, { connections: 3, active: 1, bytesToClient: 10, ejected: 2, ejections: 5 }, 5),
    {
      ...listener(key, { connections: 4, active: 2, bytesToClient: 20, ejected: 1, ejections: 6 }, 2),
      key: `${key}#local`,
    },
  ]
  const text = await fixture.metrics.text()
  const lines = (name: string) => text.split('\n').filter(line => line.startsWith(`kubeproxy_userspace_${name}{`))
  t.match(lines('connections_total'), [/ 7$/])
  t.match(lines('connections_active'), [/ 3$/])
  t.match(lines('endpoints'), [/ 5$/])
  t.match(lines('endpoints_ejected'), [/ 2$/])
  t.match(lines('ejections_total'), [/ 11$/])
  t.match(
    lines('bytes_total').filter(line => line.includes('to_client')),
    [/ 30$/],
  )
  t.equal(lines('connections_total').length, 1)
})

t.test('the mode in use is shown, and why the preferred ones are not', async t => {
  const metrics = new Metrics({
    registry: new MetricRegistry(),
    families: ['IPv4'],
    mode: { mode: 'iptables', rejected: [{ mode: 'ipvs', reason: 'no "ipvsadm"' }] },
    dataPlane: undefined,
    pending: () => ({ services: 0, endpoints: 0 }),
    startedAt: STARTED,
    version: '1.2.3',
  })
  const { series } = parseMetrics(await metrics.text())
  t.equal(series.get('kubeproxy_proxy_mode{mode="iptables",reason=""}'), 1)
  t.equal(series.get('kubeproxy_proxy_mode{mode="ipvs",reason="no \\"ipvsadm\\""}'), 0)
  t.notOk(
    [...series.keys()].some(name => name.startsWith('kubeproxy_userspace_')),
    'there are no metrics of the userspace data plane if the kernel carries the traffic',
  )
})

t.test('proxies that stand by are counted', async t => {
  const standing = [2, 0]
  const metrics = new Metrics({
    registry: new MetricRegistry(),
    families: ['IPv4'],
    mode: { mode: 'userspace', rejected: [] },
    dataPlane: undefined,
    pending: () => ({ services: 0, endpoints: 0 }),
    standbyProxies: () => standing.shift()!,
    startedAt: STARTED,
    version: '1.2.3',
  })
  for (const count of [2, 0]) {
    const { series } = parseMetrics(await metrics.text())
    t.equal(series.get('kubeproxy_standby_proxies'), count)
  }
})
