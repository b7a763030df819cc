import { readFileSync } from 'node:fs'
import t from 'tap'
import { KUBE_PROXY_METRICS } from './support/checks/kube-proxy-metrics.js'

const PAGE = 'docs/metrics.md'
/** Sections with metrics that kube-proxy has too. test/integration/metrics-page.test.ts compares all rows with a running proxy. */
const SHARED = ['As in kube-proxy', 'Processes']
const ABSENT = 'Metrics of kube-proxy that do not exist here'
/** Labels that only this program has, because it has workers. */
const OWN_LABELS = ['worker']
/** What Go's client library makes about the runtime. */
const OF_RUNTIME = /^go_/

const page = readFileSync(PAGE, 'utf8')
/** The rows of a table below a heading, as cells. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    )
}
/** What stands in backquotes. */
const quoted = (text = ''): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)

const exported = SHARED.flatMap(rowsBelow).map(([name, type, labels]) => ({
  name: quoted(name)[0]!,
  type,
  labels: quoted(labels).filter(label => !OWN_LABELS.includes(label)),
}))
const absent = rowsBelow(ABSENT).map(([names, why]) => ({ names: quoted(names), why: why! }))
/** A name that ends with `…` stands for all that begin so. */
const isMeant = (name: string, named: string): boolean =>
  named.endsWith('…') ? name.startsWith(named.slice(0, -1)) : name === named

t.test(`${PAGE}: each metric of kube-proxy is exported as it is there, or named with a reason`, t => {
  for (const [name, { type, labels }] of Object.entries(KUBE_PROXY_METRICS)) {
    const here = exported.find(each => each.name === name)
    const reasons = absent.filter(({ names }) => names.some(named => isMeant(name, named)))
    if (here === undefined) {
      t.equal(reasons.length, 1, `${name} is exported, or one row says why not`)
      continue
    }
    t.equal(reasons.length, 0, `${name} is exported, and no row says that it is not`)
    t.equal(here.type, type, `${name}: type`)
    const explained = new RegExp(`\`${name}\` has no ((?:\`\\w+\`(?:,\\s|\\sand\\s)?)+)`).exec(page)?.[1]
    t.strictSame([...here.labels, ...quoted(explained)].sort(), [...labels].sort(), `${name}: labels`)
  }
  t.end()
})

t.test(`${PAGE}: what stands there as a metric of kube-proxy is one`, t => {
  const names = Object.keys(KUBE_PROXY_METRICS)
  for (const { name } of exported.filter(({ name }) => !name.startsWith('process_')))
    t.ok(names.includes(name), `${name} is a metric of kube-proxy`)
  for (const { names: said, why } of absent) {
    t.match(why, /\.$/, `the reason for ${said.join(', ')}`)
    for (const name of said.filter(name => !OF_RUNTIME.test(name)))
      t.ok(
        names.some(each => isMeant(each, name)),
        `${name} is a metric of kube-proxy`,
      )
  }
  t.end()
})
