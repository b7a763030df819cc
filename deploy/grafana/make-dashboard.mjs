// Makes the dashboard for Grafana from the rows in rows-of-traffic.mjs and rows-of-proxies.mjs.
//
//   node deploy/grafana/make-dashboard.mjs [FILE]      left out: deploy/grafana/kube-proxy-node.json
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODES } from './queries.mjs'
import { API_SERVER, HEALTH, LIMITS, PROCESSES, RULES } from './rows-of-proxies.mjs'
import { CONNECTIONS, EJECTIONS, FAILURES, SERVED } from './rows-of-traffic.mjs'

const ROWS = [SERVED, CONNECTIONS, FAILURES, EJECTIONS, LIMITS, PROCESSES, RULES, API_SERVER, HEALTH]
/** The schema of Grafana 10. Newer versions read it. */
const SCHEMA_VERSION = 38
const DATA_SOURCE = { type: 'prometheus', uid: '${datasource}' }
/** Widths and heights in cells; the page has 24 columns. */
const PAGE_WIDTH = 24
const SIZES = { timeseries: { w: 8, h: 8 }, stat: { w: 6, h: 4 } }
/** Every proxy has this metric, also the stock kube-proxy. */
const ANY = 'kubernetes_build_info'

/** The variables above the panels: each limits the next ones. */
const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1 },
  queryVariable('job', 'Job', 'label_values(kubeproxy_sync_proxy_rules_duration_seconds_count, job)', {
    current: { selected: true, text: 'kube-proxy', value: 'kube-proxy' },
  }),
  listVariable('cluster', 'Cluster', `label_values(${ANY}{job="$job"}, cluster)`),
  listVariable('instance', 'Node', `label_values(${ANY}{cluster=~"$cluster",job="$job"}, instance)`),
  listVariable('namespace', 'Namespace', `label_values(kubeproxy_userspace_connections_total{${NODES}}, namespace)`),
  listVariable(
    'service',
    'Service',
    `label_values(kubeproxy_userspace_connections_total{${NODES},namespace=~"$namespace"}, service)`,
  ),
]

function queryVariable(name, label, query, more) {
  return { name, label, type: 'query', datasource: DATA_SOURCE, definition: query, query, refresh: 2, sort: 1, ...more }
}

/** A choice of several values. "All" also selects series without the label: a single cluster often has no label `cluster`. */
function listVariable(name, label, query) {
  const all = { current: { selected: true, text: ['All'], value: ['$__all'] }, includeAll: true, allValue: '.*' }
  return queryVariable(name, label, query, { ...all, multi: true })
}

/**
 * The dashboard.
 * @returns {object} in the classic JSON model
 */
export function makeDashboard() {
  const panels = []
  let y = 0
  for (const row of ROWS) {
    const place = { id: panels.length + 1, gridPos: { x: 0, y: y++, w: PAGE_WIDTH, h: 1 } }
    panels.push({ ...place, type: 'row', title: row.title, collapsed: false, panels: [] })
    let [x, height] = [0, 0]
    for (const panel of row.panels) {
      const { w, h } = SIZES[panel.type ?? 'timeseries']
      // The next line also begins where the size changes, so that no panel covers another one.
      if (x + w > PAGE_WIDTH || (height > 0 && h !== height)) [x, y] = [0, y + height]
      height = h
      panels.push(makePanel(panels.length + 1, panel, { x, y, w, h }))
      x += w
    }
    y += height
  }
  return {
    uid: 'kube-proxy-node',
    title: 'kube-proxy-node',
    description:
      'kube-proxy-node on all nodes. The rows about syncs, rules and the API server also show a stock kube-proxy.',
    tags: ['kubernetes', 'kube-proxy'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    timezone: 'browser',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: VARIABLES },
    annotations: { list: [] },
    links: [],
    panels,
  }
}

function makePanel(id, { title, description, type = 'timeseries', unit, queries }, gridPos) {
  const targets = queries.map(([legendFormat, expr], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: DATA_SOURCE,
    editorMode: 'code',
    expr,
    legendFormat,
    ...(type === 'stat' ? { instant: true } : { range: true }),
  }))
  const defaults = { unit, min: 0, ...(type === 'timeseries' && { custom: { fillOpacity: 10, showPoints: 'never' } }) }
  return {
    id,
    type,
    title,
    description,
    datasource: DATA_SOURCE,
    gridPos,
    fieldConfig: { defaults, overrides: [] },
    options: type === 'stat' ? STAT_OPTIONS : TIME_SERIES_OPTIONS,
    targets,
  }
}

const STAT_OPTIONS = {
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  textMode: 'value_and_name',
  colorMode: 'none',
  graphMode: 'none',
}
const TIME_SERIES_OPTIONS = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? join(fileURLToPath(new URL('.', import.meta.url)), 'kube-proxy-node.json')
  writeFileSync(file, `${JSON.stringify(makeDashboard(), null, 2)}\n`)
}
