import { readFileSync } from 'node:fs'
import t from 'tap'
import { describeMetrics } from '../support/checks/describe-metrics.js'
import { documentedMetrics } from '../support/checks/documented-metrics.js'
import { KUBE_PROXY_METRICS } from '../support/checks/kube-proxy-metrics.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { CARRIED_BY_SOCKETS, PROXY_MODE } from '../support/processes/proxy-mode.js'
import { ScrapedProxy } from '../support/processes/scraped-proxy.js'

const PAGE = 'docs/metrics.md'
/** Metrics that Node.js' client library makes; they differ between versions of Node.js. */
const OF_RUNTIME = /^nodejs_/

t.test(
  `${PAGE} has a row for each metric of a proxy in ${PROXY_MODE} mode, and no other; buckets are those of kube-proxy`,
  { skip: namespacesUnavailable },
  async t => {
    const scraped = await ScrapedProxy.start(t)
    const { series, types, text } = await scraped.scrape()
    const metrics = describeMetrics(text)
    const rows = metrics
      .filter(({ name }) => !OF_RUNTIME.test(name))
      .map(({ name, type, labels, help }) => {
        const names = labels.map(label => `\`${label}\``).join(', ')
        return `| \`${name}\` | ${type} | ${names} | ${help} |`
      })
    const written = documentedMetrics(readFileSync(PAGE, 'utf8'), PROXY_MODE, CARRIED_BY_SOCKETS)
    for (const row of rows) t.ok(written.includes(row), `${PAGE} has the row ${row}`)
    for (const row of written) t.ok(rows.includes(row), `a metric is as ${PAGE} says: ${row}`)
    const histograms = metrics.filter(({ name, type }) => type === 'histogram' && name in KUBE_PROXY_METRICS)
    t.ok(histograms.length > 8, `${histograms.length} histograms`)
    for (const { name, buckets } of histograms)
      t.strictSame(buckets, [...KUBE_PROXY_METRICS[name]!.buckets!, '+Inf'], `the buckets of ${name}`)
    t.ok([...types.keys()].some(name => OF_RUNTIME.test(name)))
    t.equal(series.get(`kubeproxy_proxy_mode{mode="${PROXY_MODE}",reason=""}`), 1)
    if (CARRIED_BY_SOCKETS)
      t.equal(series.get('kubeproxy_nftables_localhost_nodeport_listeners{ip_family="IPv4"}'), 1, 'the node port')
    const searches = series.get('kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv4"}')
    t.ok(searches! > 0, 'searches for stale flows')
    t.equal(await scraped.proxy.stop(), 0)
  },
)
