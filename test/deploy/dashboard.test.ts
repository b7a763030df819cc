import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { documentedMetrics } from '../support/checks/documented-metrics.js'
import {
  DASHBOARD_FILE,
  type PanelPlace,
  isOfServices,
  labelValuesQuery,
  panelQueries,
  readDashboard,
} from '../support/prometheus/grafana-dashboard.js'

/** Units of Grafana that the dashboard may use. Grafana shows the name of a unit that it does not know behind each value. */
const UNITS = ['short', 'percentunit', 's', 'bytes', 'Bps', 'cps', 'reqps']
const PAGE_WIDTH = 24
/** Metrics that are on no panel, because others say the same, they never change, or few nodes have what they are about. */
const NOT_SHOWN = [
  'rest_client_exec_plugin_certificate_rotation_age',
  'rest_client_exec_plugin_ttl_seconds',
  'kubernetes_feature_enabled',
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_virtual_memory_bytes',
  'process_virtual_memory_max_bytes',
]

const dashboard = readDashboard()
const panels = dashboard.panels.filter(({ type }) => type !== 'row')

t.test('the dashboard is the one that its rows make', async t => {
  const { makeDashboard } = (await import(resolve('deploy/grafana/make-dashboard.mjs'))) as {
    readonly makeDashboard: () => object
  }
  t.strictSame(dashboard, makeDashboard(), `node deploy/grafana/make-dashboard.mjs writes ${DASHBOARD_FILE}`)
})

t.test('the dashboard has a row for each question, each with panels', t => {
  const rows = dashboard.panels.flatMap(({ type, title }, index) => (type === 'row' ? [{ title, index }] : []))
  t.same(
    rows.map(({ title }) => title.replace(/ \(.*\)$/, '')),
    [
      'What is served',
      'Connections and bytes',
      'Failures and refusals by reason',
      'Ejections',
      'Limits and memory',
      'Workers and processes',
      'Syncs and rules',
      'API server',
      'Health',
    ],
  )
  for (const { title, index } of rows) t.not(dashboard.panels[index + 1]?.type ?? 'row', 'row', title)
  t.end()
})

t.test(
  'each panel has an identity, a title, a description, a unit and legends, and takes the chosen data source',
  t => {
    const ids = dashboard.panels.map(({ id }) => id)
    t.equal(new Set(ids).size, ids.length, 'every id is there once')
    const titles = panels.map(({ title }) => title)
    t.equal(new Set(titles).size, titles.length, 'every title is there once')
    for (const { title, description, type, datasource, fieldConfig, targets = [] } of panels) {
      t.ok(title.length > 2 && (description ?? '').length > 5, title)
      t.ok(['stat', 'timeseries'].includes(type), `${title}: ${type}`)
      t.ok(UNITS.includes(fieldConfig?.defaults.unit ?? ''), `${title}: ${fieldConfig?.defaults.unit}`)
      t.ok(targets.length > 0, title)
      for (const each of [{ datasource }, ...targets])
        t.strictSame(each.datasource, { type: 'prometheus', uid: '${datasource}' }, title)
      t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
      const legends = targets.map(({ legendFormat }) => legendFormat)
      t.ok(!legends.includes('') && new Set(legends).size === legends.length, `${title}: ${legends.join(', ')}`)
      for (const { expr } of targets) t.match(expr, '{cluster=~"$cluster",job="$job",instance=~"$instance"', title)
    }
    t.end()
  },
)

t.test('what shows userspace mode only says so, and nothing else does', t => {
  const page = readFileSync('docs/metrics.md', 'utf8')
  const namesIn = (mode: string) => documentedMetrics(page, mode, true).map(row => /`(.*?)`/.exec(row)![1]!)
  const inKernelModes = new Set(namesIn('iptables'))
  const ofSockets = namesIn('userspace').filter(name => !inKernelModes.has(name))
  t.ok(ofSockets.length > 20, ofSockets.join(', '))
  const names = (expression: string): boolean =>
    /worker!=""/.test(expression) || ofSockets.some(name => new RegExp(`\\b${name}\\b`).test(expression))
  for (const { title, expression, needsSockets } of panelQueries(dashboard))
    t.equal(needsSockets, names(expression), `${title}: ${expression}`)
  for (const variable of dashboard.templating.list.slice(1))
    t.equal(isOfServices(variable), names(labelValuesQuery(variable).selector), variable.name)
  t.end()
})

t.test('no panel covers another one or leaves the page', t => {
  const covers = (one: PanelPlace, other: PanelPlace): boolean =>
    one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h
  for (const [index, { title, gridPos }] of dashboard.panels.entries()) {
    t.ok(gridPos.x + gridPos.w <= PAGE_WIDTH, title)
    for (const other of dashboard.panels.slice(index + 1))
      t.notOk(covers(gridPos, other.gridPos), `${title}, ${other.title}`)
  }
  t.end()
})

t.test('each variable lists the values of a label, and can be left open', t => {
  const [dataSource, job, ...lists] = dashboard.templating.list
  t.match(dataSource, { name: 'datasource', type: 'datasource', query: 'prometheus' })
  t.equal(labelValuesQuery(job!).label, 'job')
  for (const variable of lists) {
    t.equal(labelValuesQuery(variable).label, variable.name)
    t.match(variable, { includeAll: true, allValue: '.*' })
  }
  t.same(
    [dataSource, job, ...lists].map(each => each?.name),
    ['datasource', 'job', 'cluster', 'instance', 'namespace', 'service'],
  )
  t.end()
})

t.test('the dashboard shows every metric of the proxy', t => {
  const page = readFileSync('docs/metrics.md', 'utf8')
  const metrics = [...page.matchAll(/^\| `([a-z_]+)` \| (?:counter|gauge|histogram) \|/gm)].map(([, name]) => name!)
  t.ok(metrics.length > 60, `${metrics.length} metrics`)
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n')
  t.same(
    metrics.filter(name => !new RegExp(`\\b${name}(_bucket|_count|_sum)?\\{`).test(expressions)),
    NOT_SHOWN,
  )
  t.end()
})
