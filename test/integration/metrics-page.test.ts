import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readSeries } from '../support/checks/metric-selectors.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ScrapedProxy } from '../support/processes/scraped-proxy.js'

const PAGE = 'docs/metrics.md'
/** Metrics that Node.js' client library makes; they differ between versions of Node.js. */
const OF_RUNTIME = /^nodejs_/
const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'other modes have only some of the metrics')

/** The row of each metric, as a scrape describes it. */
function rowsOf(text: string, series: Iterable<string>, types: ReadonlyMap<string, string>): string[] {
  const labels = new Map<string, Set<string>>()
  for (const each of series) {
    const { name, labels: found } = readSeries(each)
    const metric = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    const names = labels.get(metric) ?? new Set<string>()
    for (const label of Object.keys(found)) if (label !== 'le') names.add(label)
    labels.set(metric, names)
  }
  return [...types]
    .filter(([name]) => !OF_RUNTIME.test(name))
    .map(([name, type]) => {
      const help = new RegExp(`^# HELP ${name} (.*)$`, 'm').exec(text)?.[1] ?? ''
      const names = [...(labels.get(name) ?? [])]
        .sort()
        .map(label => `\`${label}\``)
        .join(', ')
      return `| \`${name}\` | ${type} | ${names} | ${help} |`
    })
}

t.test('docs/metrics.md has a row for each metric of a running proxy, and no other', { skip }, async t => {
  const scraped = await ScrapedProxy.start(t)
  const { series, types, text } = await scraped.scrape()
  const rows = rowsOf(text, series.keys(), types)
  const page = readFileSync(join(process.cwd(), PAGE), 'utf8')
  const written = page.split('\n').filter(line => /^\| `[a-z_]+` \| (?:counter|gauge|histogram|summary) \|/.test(line))
  for (const row of rows) t.ok(written.includes(row), `${PAGE} has the row ${row}`)
  for (const row of written) t.ok(rows.includes(row), `a metric is as ${PAGE} says: ${row}`)
  t.ok([...types.keys()].some(name => OF_RUNTIME.test(name)))
  t.equal(series.get('kubeproxy_nftables_localhost_nodeport_listeners{ip_family="IPv4"}'), 1, 'the node port')
  const searches = series.get('kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv4"}')
  t.ok(searches! > 0, 'searches for stale flows')
  t.equal(await scraped.proxy.stop(), 0)
})
