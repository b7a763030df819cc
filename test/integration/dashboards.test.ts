import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ALERT_QUERIES, DASHBOARD_QUERIES } from '../support/checks/dashboard-queries.js'
import { metricSelectors, readSeries } from '../support/checks/metric-selectors.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { PROXY_WORKERS } from '../support/processes/proxy-process.js'
import { ScrapedProxy } from '../support/processes/scraped-proxy.js'

/** A program of Debian's package `prometheus`, or the path of another one. */
const PROMETHEUS = process.env['PROMETHEUS'] ?? 'prometheus'
const hasPrometheus = spawnSync(PROMETHEUS, ['--version']).error === undefined
/** How many scrapes a query may take until it gives a number. */
const MAX_SCRAPES = 20
const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'other modes have no workers')
const QUERIES = [...DASHBOARD_QUERIES, ...ALERT_QUERIES]

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
  const workers = Array.from({ length: PROXY_WORKERS }, (_, worker) => String(worker))
  t.strictSame(cpu, [undefined, ...workers], 'the CPU time of the control process and of each worker')
  t.equal(await scraped.proxy.stop(), 0)
})

t.test(
  'Prometheus gives a number for each query of the dashboards and alerts',
  { skip: skip || (hasPrometheus ? false : 'needs the program prometheus; PROMETHEUS can name it') },
  async t => {
    const scraped = await ScrapedProxy.start(t)
    startPrometheus(t, scraped)
    const ask = async (expression: string): Promise<readonly number[]> => {
      const query = encodeURIComponent(expression)
      const [text] = await scraped.get(`http://127.0.0.1:9090/api/v1/query?query=${query}`)
      const answer = JSON.parse(text!) as { status: string; data: { result: readonly { value: [number, string] }[] } }
      if (answer.status !== 'success') throw new Error(`${expression}: ${text}`)
      return answer.data.result.map(({ value }) => Number(value[1]))
    }
    /** Resolves after so many scrapes. */
    const scrapes = async (count: number): Promise<void> => {
      const countScrapes = async (): Promise<number> =>
        (await ask('count_over_time(up{job="kube-proxy"}[5m])').catch(() => []))[0] ?? 0
      for (const wanted = (await countScrapes()) + count; (await countScrapes()) < wanted;);
    }
    await scrapes(2)
    await scraped.makeChanges()
    await scrapes(2)
    for (const { title, expression, emptyBecause } of QUERIES) {
      const query = expression.replaceAll('$cluster', 'test').replaceAll('$instance', '.*')
      let values = await ask(query)
      if (emptyBecause !== undefined) {
        t.strictSame(values, [], `${title}: ${emptyBecause}`)
        continue
      }
      // A quantile is no number until there was a request between two scrapes.
      for (let tries = 0; !areNumbers(values) && tries < MAX_SCRAPES; tries++) {
        await scrapes(1)
        values = await ask(query)
      }
      t.ok(areNumbers(values), `${title}: ${values.join(' ')}`)
    }
    t.strictSame(await ask('absent(up{job="kube-proxy"} == 1)'), [], 'no alert KubeProxyDown')
    t.equal(await scraped.proxy.stop(), 0)
  },
)

function areNumbers(values: readonly number[]): boolean {
  return values.length > 0 && !values.some(Number.isNaN)
}

/** Starts a Prometheus on the node, which scrapes the proxy every second. */
function startPrometheus(t: Test, { network }: ScrapedProxy): void {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-prometheus-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const target = { targets: ['127.0.0.1:10249'], labels: { cluster: 'test' } }
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'kube-proxy', static_configs: [target] }],
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const child = network.start(network.node, PROMETHEUS, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--web.listen-address=127.0.0.1:9090',
    '--log.level=error',
  ])
  child.stderr?.pipe(process.stderr)
}
