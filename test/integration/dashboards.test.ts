import t from 'tap'
import { ALERT_QUERIES, DASHBOARD_QUERIES } from '../support/checks/dashboard-queries.js'
import { metricSelectors, readSeries } from '../support/checks/metric-selectors.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { CARRIED_BY_SOCKETS, PROXY_MODE } from '../support/processes/proxy-mode.js'
import { PROXY_WORKERS } from '../support/processes/proxy-process.js'
import { FREQUENT_SYNCS, ScrapedProxy } from '../support/processes/scraped-proxy.js'
import { isOfServices, labelValuesQuery, panelQueries, readDashboard } from '../support/prometheus/grafana-dashboard.js'
import { MonitoredServices, NAMESPACE } from '../support/prometheus/monitored-services.js'
import { PrometheusServer, type QueryResult, prometheusUnavailable } from '../support/prometheus/prometheus-server.js'
import { scrapeNodes, scrapePods } from '../support/prometheus/shipped-scrapes.js'

/** How many scrapes a query may take until it gives a number. */
const MAX_SCRAPES = 20
const skip = namespacesUnavailable
/** Why something is not looked at where the kernel carries the traffic: the proxy does not see it. */
const needsSockets = !CARRIED_BY_SOCKETS && 'only metrics of sockets name Services and their traffic'
const QUERIES = [...DASHBOARD_QUERIES, ...ALERT_QUERIES]
/** A node as service discovery finds it: with the port of its kubelet. Its namespace must not replace that of a Service. */
const NODE = {
  __address__: '127.0.0.1:10250',
  __meta_kubernetes_node_name: 'this-node',
  cluster: 'test',
  namespace: 'monitoring',
}
/** Pods as the operator labels them: two of one node, as during an update, and one of another node. */
const PODS = ['127.0.0.1', '127.0.0.1', 'fd00::1'].map((ip, number) => ({
  __address__: ip,
  __meta_kubernetes_pod_ip: ip,
  __meta_kubernetes_pod_node_name: `node-of-${ip}`,
  namespace: 'kube-system',
  container: 'kube-proxy',
  pod: `kube-proxy-${number}`,
}))

t.test('each query of the dashboards and alerts selects metrics of the first scrapes', { skip }, async t => {
  const scraped = await ScrapedProxy.start(t)
  const { series } = await scraped.scrape()
  const all = [...series].map(([text, value]) => ({ ...readSeries(text), value }))
  for (const { title, expression, emptyBecause } of QUERIES) {
    for (const { name, matches } of metricSelectors(expression)) {
      // Prometheus itself makes this one.
      if (name === 'up') continue
      const selected = all.filter(each => each.name === name && matches(each.labels))
      if (emptyBecause !== undefined) t.equal(selected.length, 0, `${title}: ${emptyBecause}`)
      else
        t.ok(
          selected.some(({ value }) => value > 0),
          `${title} selects ${selected.length} series`,
        )
    }
  }
  const cpu = all.filter(({ name }) => name === 'process_cpu_seconds_total').map(({ labels }) => labels['worker'])
  const workers = Array.from({ length: CARRIED_BY_SOCKETS ? PROXY_WORKERS : 0 }, (_, worker) => String(worker))
  t.strictSame(cpu, [undefined, ...workers], 'the CPU time of the control process and of each worker')
  t.equal(await scraped.proxy.stop(), 0)
})

t.test(
  'Prometheus gives a number for each query of the dashboards and alerts',
  { skip: skip || prometheusUnavailable },
  async t => {
    const scraped = await ScrapedProxy.start(t, [...FREQUENT_SYNCS, '--drain-timeout=0s'])
    const services = await MonitoredServices.create(scraped)
    const jobs = [...scrapeNodes(NODE), scrapePods(...PODS)]
    const prometheus = await PrometheusServer.start(t, scraped.network, { jobs })
    await services.startTraffic()
    await prometheus.nextScrapes(1)
    await scraped.makeChanges()
    if (CARRIED_BY_SOCKETS) {
      await services.useRefusingEndpoints()
      await services.reachLimit()
    }
    await prometheus.nextScrapes(2)
    /** Rates look back a minute, in which a slow machine makes few scrapes: so there are changes in each of them. */
    const resultsOf = (expression: string, isEnough: (results: readonly QueryResult[]) => boolean) =>
      prometheus.queryUntil(expression, isEnough, MAX_SCRAPES, async () => {
        await scraped.makeChanges()
        if (CARRIED_BY_SOCKETS) await services.useRefusingEndpoints()
      })

    await t.test('those of others', async t => {
      for (const { title, expression, emptyBecause } of QUERIES) {
        const query = expression.replaceAll('$cluster', 'test').replaceAll('$instance', '.*')
        if (emptyBecause !== undefined) {
          t.strictSame(await prometheus.query(query), [], `${title}: ${emptyBecause}`)
          continue
        }
        // A quantile is no number until there was a request between two scrapes.
        const results = await resultsOf(query, areNumbers)
        t.ok(areNumbers(results), `${title}: ${JSON.stringify(results)}`)
      }
      // A busy machine may answer one scrape too late.
      const down = await resultsOf('absent(up{job="kube-proxy"} == 1)', results => results.length === 0)
      t.strictSame(down, [], 'no alert KubeProxyDown')
    })

    await t.test('the PodMonitor finds each node once', async t => {
      const { activeTargets } = await prometheus.get<{ activeTargets: readonly Target[] }>('targets')
      const found = activeTargets.filter(({ scrapePool }) => scrapePool === 'pod-monitor')
      t.same(found.map(({ scrapeUrl, labels }) => [scrapeUrl, labels]).sort(), [
        [
          'http://127.0.0.1:10249/metrics',
          { instance: 'node-of-127.0.0.1', job: 'pod-monitor', namespace: 'kube-system' },
        ],
        [
          'http://[fd00::1]:10249/metrics',
          { instance: 'node-of-fd00::1', job: 'pod-monitor', namespace: 'kube-system' },
        ],
      ])
    })

    await t.test('labels of a Service stay', { skip: needsSockets }, async t => {
      for (const job of ['kube-proxy', 'pod-monitor']) {
        const served = await prometheus.query(`kubeproxy_userspace_endpoints{job="${job}",service="half"}`)
        t.match(served, [{ labels: { namespace: NAMESPACE, port: 'main' }, value: 2 }], job)
      }
    })

    await t.test('those of the dashboard that is shipped', async t => {
      const dashboard = readDashboard()
      const queries = panelQueries(dashboard)
      t.ok(queries.length > 60, `${queries.length} queries`)
      for (const { title, expression, needsSockets } of queries) {
        if (needsSockets && !CARRIED_BY_SOCKETS) {
          t.strictSame(await prometheus.query(expression), [], `${title}, which says that it shows userspace mode only`)
          continue
        }
        // Some Services have no connections, so their part of something is no number.
        const results = await resultsOf(expression, hasNumber)
        t.ok(hasNumber(results), `${title}: ${expression}`)
      }
      for (const variable of dashboard.templating.list.slice(1)) {
        const { label, selector } = labelValuesQuery(variable)
        const values = await prometheus.get<readonly string[]>(`label/${label}/values`, { 'match[]': selector })
        t.equal(
          values.length > 0,
          CARRIED_BY_SOCKETS || !isOfServices(variable),
          `$${variable.name}: ${values.join(' ')}`,
        )
      }
    })

    /** What a panel shows for a series that has these labels, once it shows what is expected. */
    const showsSoon = async (
      t: Tap,
      panel: string,
      labels: Readonly<Record<string, string>>,
      isExpected: (value: number) => boolean,
    ): Promise<void> => {
      const [query] = panelQueries(readDashboard()).filter(({ title }) => title.startsWith(`${panel}: `))
      const valueIn = (results: readonly QueryResult[]) =>
        results.find(each => Object.entries(labels).every(([name, value]) => each.labels[name] === value))?.value
      const isEnough = (results: readonly QueryResult[]) => isExpected(valueIn(results) ?? Number.NaN)
      const results = await resultsOf(query!.expression, isEnough)
      t.ok(isEnough(results), `${panel} ${JSON.stringify(labels)}: ${JSON.stringify(results)}`)
    }

    await t.test('the dashboard shows the proxy', async t => {
      await showsSoon(t, 'Proxies that answer', {}, is(1))
      await showsSoon(t, 'Proxies by mode', { mode: PROXY_MODE }, is(1))
      await showsSoon(t, 'Parts of the proxy', { part: 'rules' }, is(1))
      await showsSoon(t, 'Rules', { table: 'nat', ip_family: 'IPv4' }, isPositive)
    })

    await t.test('the dashboard shows what has happened to clients', { skip: needsSockets }, async t => {
      const ofService = (service: string) => ({ namespace: NAMESPACE, service })
      await showsSoon(t, 'Endpoints of each Service port', ofService('half'), is(2))
      await showsSoon(t, 'Open connections', ofService('limited'), is(1))
      await showsSoon(t, 'Part of the clients that are refused', ofService('broken'), is(1))
      await showsSoon(t, 'Refused clients', ofService('web'), is(0))
      await showsSoon(t, 'Bytes to clients', ofService('web'), isPositive)
      await showsSoon(t, 'Ejections', ofService('half'), isPositive)
      const shed = { ...ofService('limited'), reason: 'service-limit' }
      await showsSoon(t, 'Turned away at a limit of the Service', shed, isPositive)
    })
    t.equal(await scraped.proxy.stop(), 0)
  },
)

type Tap = Pick<typeof t, 'ok'>

interface Target {
  readonly scrapePool: string
  readonly scrapeUrl: string
  readonly labels: Readonly<Record<string, string>>
}

function areNumbers(results: readonly QueryResult[]): boolean {
  return results.length > 0 && !results.some(({ value }) => Number.isNaN(value))
}

function hasNumber(results: readonly QueryResult[]): boolean {
  return results.some(({ value }) => Number.isFinite(value))
}

function is(expected: number): (value: number) => boolean {
  return value => value === expected
}

function isPositive(value: number): boolean {
  return value > 0
}
