import { readFileSync } from 'node:fs'
import t from 'tap'
import { metricSelectors } from '../support/checks/metric-selectors.js'
import { type AlertRule, readAlertRules } from '../support/prometheus/alert-rules.js'

const README = 'deploy/prometheus/README.md'
const SYMPTOMS = 'docs/operate.md'
const METRICS = 'docs/metrics.md'
const rules = readAlertRules().groups.flatMap(group => group.rules)
const names = rules.map(({ alert }) => alert)
/** What Prometheus itself knows of a target. */
const OF_PROMETHEUS = 'up'

const UNITS: Readonly<Record<string, number>> = { '%': 0.01, minute: 60, minutes: 60, m: 60, seconds: 1, s: 1 }
const inUnit = (number: string, unit = ''): number => Math.round(Number(number) * (UNITS[unit] ?? 1) * 1000) / 1000

/** The numbers of a text, in seconds or as parts of one. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/(\d+)(?: (%|minutes?|seconds))?/g)].map(([, number, unit]) => inUnit(number!, unit))
}

/** What an expression compares with. A quantile of 0.99 is about one in a hundred. */
function thresholdsOf({ expr }: AlertRule): number[] {
  const quantiles = [...expr.matchAll(/histogram_quantile\(([\d.]+)/g)].map(([, q]) => inUnit(String(1 - Number(q))))
  const compared = [...expr.matchAll(/[<>]=?\s+([\d.]+)/g)].map(([, number]) => inUnit(number!))
  return [...quantiles, ...compared.filter(number => number !== 0)]
}

/** The times over which an expression looks back. */
function windowsOf({ expr }: AlertRule): number[] {
  return [...expr.matchAll(/\[(\d+)([ms])\]/g)].map(([, number, unit]) => inUnit(number!, unit))
}

/** The cells of the rows of a table that begin so. */
function rowsOf(page: string, begin: RegExp): string[][] {
  return readFileSync(page, 'utf8')
    .split('\n')
    .filter(line => begin.test(line))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    )
}

t.test(`${README}: the table of alerts says what the rules say`, t => {
  const rows = rowsOf(README, /^\| KubeProxy/)
  t.strictSame(
    rows.map(([name]) => name),
    names,
    'all alerts, in the order of the rules',
  )
  const [, kubeProxys = ''] = /^## As in kube-proxy\n(.*?)^## /ms.exec(readFileSync(METRICS, 'utf8')) ?? []
  for (const rule of rules) {
    const [name = rule.alert, severity, condition = '', delay = '', isOfStock] =
      rows.find(([name]) => name === rule.alert) ?? []
    t.equal(severity, rule.labels['severity'], name)
    t.strictSame(
      numbersIn(delay),
      rule.for === undefined ? [] : [inUnit(rule.for.slice(0, -1), rule.for.at(-1))],
      `${name}: for ${delay}`,
    )
    const [said, thresholds] = [numbersIn(condition), thresholdsOf(rule)]
    for (const threshold of thresholds) t.ok(said.includes(threshold), `${name}: "${condition}" says ${threshold}`)
    for (const number of said)
      t.ok([...thresholds, ...windowsOf(rule)].includes(number), `${name}: ${number} of "${condition}"`)
    const hasMetric = (metric: string): boolean =>
      metric === OF_PROMETHEUS || kubeProxys.includes(`\`${metric.replace(/_bucket$/, '')}\``)
    const isPossible = metricSelectors(rule.expr).every(({ name }) => hasMetric(name))
    t.equal(isOfStock, isPossible ? 'yes' : '–', `${name} with the stock kube-proxy`)
  }
  t.end()
})

t.test(`${SYMPTOMS}: the table of symptoms has each alert once`, t => {
  const alerts = rowsOf(SYMPTOMS, /^\|.*\| KubeProxy/).flatMap(([, alerts]) => alerts!.split(', '))
  t.strictSame([...alerts].sort(), [...names].sort())
  t.end()
})
