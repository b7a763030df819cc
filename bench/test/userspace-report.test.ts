import t from 'tap'
import { ALL_CONTENDERS } from '../code/contenders/all-contenders.js'
import { parseKlogTime } from '../code/contenders/klog-time.js'
import { ALL_LOADS } from '../code/loads/all-loads.js'
import { formatErrors, buildLoadTable } from '../code/report/load-table.js'
import { renderReport } from '../code/report/markdown.js'
import { formatNumber, formatSummary } from '../code/report/format-number.js'
import { renderChart } from '../code/report/chart.js'
import { type LoadResult, type Results, type Sample } from '../code/report/results.js'
import { summarize } from '../code/report/statistics.js'
import { USERSPACE_TARGETS, evaluateTarget } from '../code/report/targets.js'
import { USERSPACE_SUITE } from '../code/suites/userspace.js'

const sample = (values: Sample['values'], ...errors: string[]): Sample => ({ values, errors })
const samplesOf = (metric: string, ...values: number[]): Sample[] => values.map(value => sample({ [metric]: value }))

function resultsOf(...loads: LoadResult[]): Results {
  return {
    circumstances: { at: '2026-01-02T03:04:05Z', machine: { CPU: '2 × some' }, versions: { HAProxy: '2.6' } },
    rounds: 3,
    seconds: 61,
    missing: { nginx: 'it is not <there>' },
    loads,
  }
}

const keepAlive: LoadResult = {
  name: 'keep-alive',
  samples: {
    direct: samplesOf('rate', 90_000),
    'kube-proxy-node': samplesOf('perCpu', 49_000, 50_000, 51_000),
    haproxy: [sample({ perCpu: 60_000 }, '3 read errors'), sample({ perCpu: 60_000 })],
    original: samplesOf('perCpu', 40_000, 40_000, 41_000),
  },
}

void t.test('Numbers have no more digits than they are worth', t => {
  t.equal(formatNumber(1234567.2), '1,234,567')
  t.equal(formatNumber(41.26), '41.3')
  t.equal(formatNumber(0.126), '0.13')
  t.equal(formatNumber(2.349, 1), '2.3')
  t.equal(formatSummary(summarize([180, 190, 200, 210, 220]), {}), '200 ± 5 %')
  t.equal(formatSummary(summarize([200]), {}), '200', 'one sample has no spread')
  t.equal(formatSummary(undefined, {}), '–')
  t.end()
})

void t.test('Targets: the medians of the same run are compared', t => {
  const target = USERSPACE_TARGETS.find(({ load }) => load === 'keep-alive')!
  const outcome = evaluateTarget(target, resultsOf(keepAlive), ALL_LOADS)
  t.equal(outcome.ratio, 1.25)
  t.equal(outcome.verdict, 'met', 'the required ratio, not that of the stretch')
  t.equal(outcome.stretchRatio, 50 / 60)
  const slow = { ...keepAlive, samples: { ...keepAlive.samples, 'kube-proxy-node': samplesOf('perCpu', 49_000) } }
  t.equal(evaluateTarget(target, resultsOf(slow), ALL_LOADS).verdict, 'missed')
  const fast = { ...keepAlive, samples: { ...keepAlive.samples, 'kube-proxy-node': samplesOf('perCpu', 60_000) } }
  t.equal(evaluateTarget(target, resultsOf(fast), ALL_LOADS).verdict, 'stretch')
  t.equal(evaluateTarget(target, resultsOf(), ALL_LOADS).verdict, 'not measured')
  t.end()
})

void t.test('Targets: where less is better', t => {
  const target = USERSPACE_TARGETS.find(({ load }) => load === 'idle-connections')!
  const memory = (thisProxy: number): Results =>
    resultsOf({
      name: 'idle-connections',
      samples: { 'kube-proxy-node': samplesOf('memory', thisProxy), original: samplesOf('memory', 10) },
    })
  t.equal(evaluateTarget(target, memory(7), ALL_LOADS).verdict, 'met')
  t.equal(evaluateTarget(target, memory(4), ALL_LOADS).verdict, 'stretch')
  t.equal(evaluateTarget(target, memory(7.1), ALL_LOADS).verdict, 'missed')
  t.end()
})

void t.test('Every target is of a load and a number that there are', t => {
  for (const target of USERSPACE_TARGETS)
    t.equal(evaluateTarget(target, resultsOf(), ALL_LOADS).verdict, 'not measured', target.title)
  t.equal(new Set(ALL_LOADS.map(({ name }) => name)).size, ALL_LOADS.length, 'loads have names of their own')
  for (const { name, metrics } of ALL_LOADS)
    t.equal(new Set(metrics.map(metric => metric.name)).size, metrics.length, `the numbers of ${name} too`)
  t.end()
})

void t.test("A load's table has a row for each contender, and its errors are shown", t => {
  const load = ALL_LOADS.find(({ name }) => name === 'keep-alive')!
  const table = buildLoadTable(load, keepAlive, ALL_CONTENDERS)
  t.same(
    table.map(row => row.slice(0, 3)),
    [
      ['', 'requests per CPU-second', 'requests/s'],
      ['direct', '–', '90,000'],
      ['kube-proxy-node', '50,000 ± 1 %', '–'],
      ['HAProxy', '60,000 ± 0 %', '–'],
      ['kube-proxy userspace', '40,000 ± 1 %', '–'],
    ],
  )
  t.same(formatErrors(keepAlive, ALL_CONTENDERS), ['HAProxy: 1 of 2 rounds had errors: 3 read errors'])
  t.end()
})

void t.test('The page says what was reached, by whom, and who is missing', t => {
  const page = renderReport(resultsOf(keepAlive), USERSPACE_SUITE)
  t.match(page, '| keep-alive requests per CPU-second | 1.25 (0.83) | ≥ 1.25 | ≥ 1 × HAProxy | ✓ met |')
  t.match(page, '| kube-proxy-node | 50,000 ± 1 % |')
  t.match(page, '- Without nginx stream: it is not <there>.')
  t.match(page, '**Errors.** HAProxy: 1 of 2 rounds')
  t.match(page, '(benchmarks.svg)')
  t.match(page, '3 rounds, in 2 minutes')
  for (const { title, name } of ALL_LOADS) t.match(page, `## ${title}\n\n\`npm run bench -- ${name}\``)
  t.notMatch(page, /undefined|NaN/)
  t.end()
})

void t.test('The picture is well-formed and shows a bar for each who was measured', t => {
  const text = renderChart(resultsOf(keepAlive), USERSPACE_SUITE)
  t.equal(text.match(/<rect /g)?.length, 3)
  t.equal(text.match(/class="bar this-proxy"/g)?.length, 1)
  t.match(text, />kube-proxy-node</)
  t.notMatch(text, /undefined|NaN/)
  const open = [...text.matchAll(/<([a-z]+)[^>]*[^/]>/g)].length
  t.equal(open, [...text.matchAll(/<\/([a-z]+)>/g)].length, 'every element that begins ends')
  t.end()
})

void t.test('The time of a log line, on the day of the run', t => {
  const about = new Date(2026, 0, 2, 3, 4).getTime()
  const line = 'I0102 03:04:05.250000    7 proxier.go:1] text'
  t.equal(parseKlogTime(line, about), new Date(2026, 0, 2, 3, 4, 5, 250).getTime())
  t.throws(() => parseKlogTime('no time', about), /No time at the beginning/)
  t.end()
})
