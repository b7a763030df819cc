import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { metricSelectors } from '../support/checks/metric-selectors.js'
import { ALERT_CASES, type FiringCase } from '../support/prometheus/alert-cases.js'
import { ALERTS_FILE, type AlertRule, readAlertRules } from '../support/prometheus/alert-rules.js'
import { promtoolUnavailable, runPromtool } from '../support/prometheus/promtool.js'
import { scrapeNodes, scrapePods } from '../support/prometheus/shipped-scrapes.js'

const RUNBOOK = 'docs/troubleshooting.md'
const MANIFEST = 'deploy/prometheus/prometheus-rule.yaml'
const rules = readAlertRules().groups.flatMap(group => group.rules)
const names = rules.map(({ alert }) => alert)

t.test('promtool accepts the alert rules', { skip: promtoolUnavailable }, t => {
  const { status, output } = runPromtool(['check', 'rules', '--lint=all', '--lint-fatal'], readAlertRules())
  t.equal(status, 0, output)
  t.match(output, `${rules.length} rules found`)
  t.end()
})

t.test('promtool accepts the scrape configurations', { skip: promtoolUnavailable }, t => {
  // Debian's Prometheus has no service discovery for Kubernetes.
  const scrape_configs = [...scrapeNodes({ __address__: '10.0.0.1:10250' }), scrapePods({ __address__: '10.0.0.1' })]
  const { status, output } = runPromtool(['check', 'config', '--syntax-only'], { scrape_configs })
  t.equal(status, 0, output)
  t.end()
})

t.test('each alert says what has happened, how bad it is, and where to read on', t => {
  const headings = [...readFileSync(RUNBOOK, 'utf8').matchAll(/^### (KubeProxy\w+)$/gm)].map(([, name]) => name!)
  t.same([...headings].sort(), [...names].sort(), `${RUNBOOK} has a section for each alert, and no other`)
  t.equal(new Set(names).size, names.length, 'no name is there twice')
  const metrics = readFileSync('docs/metrics.md', 'utf8')
  for (const { alert, expr, labels, annotations } of rules) {
    t.ok(['critical', 'warning', 'info'].includes(labels['severity']!), alert)
    t.same(Object.keys(annotations).sort(), ['description', 'runbook_url', 'summary'], alert)
    t.ok(annotations['summary']!.length <= 100 && !annotations['summary']!.endsWith('.'), alert)
    t.ok(annotations['description']!.endsWith('.'), alert)
    t.equal(annotations['runbook_url'], `${RUNBOOK}#${alert.toLowerCase()}`, alert)
    for (const { name } of metricSelectors(expr))
      t.ok(name === 'up' || metrics.includes(`\`${name.replace(/_bucket$/, '')}\``), `${alert}: ${name}`)
  }
  t.end()
})

t.test('the manifest for the Prometheus Operator has the same rules', async t => {
  const { makePrometheusRule } = (await import(resolve('deploy/prometheus/make-prometheus-rule.mjs'))) as {
    readonly makePrometheusRule: () => string
  }
  const text = readFileSync(MANIFEST, 'utf8')
  t.equal(text, makePrometheusRule(), `node deploy/prometheus/make-prometheus-rule.mjs writes ${MANIFEST}`)
  const { apiVersion, kind, spec } = parse(text) as Record<'apiVersion' | 'kind' | 'spec', unknown>
  t.same(
    { apiVersion, kind, spec },
    { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', spec: readAlertRules() },
  )
})

/** An annotation as Prometheus renders it. */
function render(template: string, { labels, value }: FiringCase): string {
  return template
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? `no label ${label}`)
    .replaceAll(/\{\{ \$value(?: \| \w+)? \}\}/g, value ?? '')
}

/** What promtool expects of an alert. */
function expectedAlert({ labels, annotations }: AlertRule, firing: FiringCase): object {
  const rendered = Object.entries(annotations).map(([name, template]) => [name, render(template, firing)] as const)
  return { exp_labels: { ...labels, ...firing.labels }, exp_annotations: Object.fromEntries(rendered) }
}

/** The moment a minute before one, such as `5m`. */
function minuteBefore(at: string): string {
  return `${Number.parseInt(at) - 1}m`
}

t.test('each alert fires when it should, and not when it nearly should', { skip: promtoolUnavailable }, t => {
  t.same(Object.keys(ALERT_CASES).sort(), [...names].sort(), 'each alert has cases, and no other')
  const tests = rules.flatMap(rule => {
    const { fires, silent } = ALERT_CASES[rule.alert]!
    t.ok(fires.length > 0 && silent.length > 0, rule.alert)
    const expected = [
      ...fires.map(each => ({ ...each, alerts: [expectedAlert(rule, each)] })),
      ...silent.map(each => ({ ...each, alerts: [] })),
      // An alert with a delay fires at the end of the delay, and not a minute before.
      ...(rule.for === undefined ? [] : fires.map(each => ({ ...each, at: minuteBefore(each.at), alerts: [] }))),
    ]
    return expected.map(({ series, at, alerts }, index) => ({
      name: `${rule.alert} ${index}`,
      interval: '1m',
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      alert_rule_test: [{ eval_time: at, alertname: rule.alert, exp_alerts: alerts }],
    }))
  })
  const { status, output } = runPromtool(['test', 'rules'], {
    rule_files: [resolve(ALERTS_FILE)],
    evaluation_interval: '1m',
    tests,
  })
  t.equal(status, 0, output)
  t.end()
})
