import t from 'tap'
import { parseSyncLine } from '../code/contenders/sync-log.js'
import { type ContenderName } from '../code/contenders/contender.js'
import { buildLoadTable } from '../code/report/load-table.js'
import { renderReport } from '../code/report/markdown.js'
import { timedOutSample } from '../code/report/timed-out.js'
import { renderChart } from '../code/report/chart.js'
import { type Results, type Sample } from '../code/report/results.js'
import { buildTargetTable } from '../code/report/target-table.js'
import { type TargetOutcome, evaluateTarget } from '../code/report/targets.js'
import { IPVS_SUITE } from '../code/suites/ipvs.js'
import { IPTABLES_SUITE } from '../code/suites/iptables.js'
import { TimeLimitExceeded } from '../code/time-limit-exceeded.js'

type Samples = Partial<Record<ContenderName, readonly Sample[]>>

const samplesOf = (metric: string, ...values: number[]): Sample[] =>
  values.map(value => ({ values: { [metric]: value }, errors: [] }))
const loadOf = (name: string) => IPTABLES_SUITE.loads.find(load => load.name === name)!
const over = (name: string): Sample =>
  timedOutSample(loadOf(name).timeLimitedMetrics!, new TimeLimitExceeded('a sync', 300_000))

function resultsOf(loads: Readonly<Record<string, Samples>>): Results {
  return {
    circumstances: {
      at: '2026-01-02T03:04:05Z',
      machine: { CPU: '2 × some' },
      versions: { iptables: 'v1 (nf_tables)' },
    },
    rounds: 5,
    seconds: 61,
    missing: { 'original-iptables-legacy': 'there is none' },
    loads: Object.entries(loads).map(([name, samples]) => ({ name, samples })),
  }
}

function outcome(
  load: string,
  metric: string,
  samples: Samples,
  of: ContenderName = 'kube-proxy-node-iptables-nft',
): TargetOutcome {
  const target = IPTABLES_SUITE.targets.find(
    each => each.load === load && each.metric === metric && each.contender === of,
  )!
  return evaluateTarget(target, resultsOf({ [load]: samples }), IPTABLES_SUITE.loads)
}

for (const suite of [IPTABLES_SUITE, IPVS_SUITE]) {
  const { loads, targets, page } = suite
  const load = (loadName: string) => loads.find(({ name }) => name === loadName)!
  void t.test(`Every target of "${page.title}" is of a load, a number and contenders that there are`, t => {
    for (const target of targets) {
      t.equal(evaluateTarget(target, resultsOf({}), loads).verdict, 'not measured', target.title)
      const { contenders } = load(target.load)
      t.ok(
        contenders.includes(target.contender!) && contenders.includes(target.required.against),
        `${target.title}: who takes part`,
      )
    }
    t.equal(new Set(targets.map(({ title }) => title)).size, targets.length, 'each has a title of its own')
    t.equal(new Set(loads.map(({ name }) => name)).size, loads.length, 'and each load a name')
    for (const { name, contenders, timeLimitedMetrics = [], metrics } of loads) {
      t.ok(
        timeLimitedMetrics.every(metric => metrics.includes(metric)),
        `${name}: what is limited is among its numbers`,
      )
      const known = new Set(suite.contenders.map(({ name }) => name))
      t.ok(
        contenders.every(contender => known.has(contender)),
        `${name}: who takes part is known`,
      )
    }
    for (const [name, metric] of page.panels)
      t.ok(
        load(name).metrics.some(each => each.name === metric),
        `the picture has ${name} ${metric}`,
      )
    t.end()
  })
}

void t.test('A sync of this proxy is compared with the original of the same flavour', t => {
  const samples = {
    'kube-proxy-node-iptables-nft': samplesOf('sync', 5, 6, 7),
    'original-iptables-nft': samplesOf('sync', 100),
    'kube-proxy-node-iptables-legacy': samplesOf('sync', 3),
    'original-iptables-legacy': samplesOf('sync', 2),
  }
  t.match(outcome('full-sync-5000', 'sync', samples), { ratio: 0.06, verdict: 'met', bound: undefined })
  t.match(outcome('full-sync-5000', 'sync', samples, 'kube-proxy-node-iptables-legacy'), {
    ratio: 1.5,
    verdict: 'missed',
  })
  t.end()
})

void t.test('A measurement that timed out reports the limit and what was measured until then', t => {
  const slow = over('one-change-5000')
  t.same(slow, { values: { effect: 300_000, sync: 300_000 }, over: ['effect', 'sync'], errors: [] }, 'the limit, in ms')
  t.same(over('full-sync-5000').values, { sync: 300, fromList: 300, fromStart: 300 }, 'or in seconds')

  const fast = samplesOf('effect', 120)
  const outcomeOf = (thisProxy: readonly Sample[], theirs: readonly Sample[]): TargetOutcome =>
    outcome('one-change-5000', 'effect', { 'kube-proxy-node-iptables-nft': thisProxy, 'original-iptables-nft': theirs })
  t.match(outcomeOf(fast, [slow]), { ratio: 0.0004, bound: 'most', verdict: 'met' })
  t.match(
    outcomeOf(samplesOf('effect', 60_000), [slow]),
    { verdict: 'not measured' },
    'the original may be that much slower',
  )
  t.match(outcomeOf([slow], samplesOf('effect', 100)), { bound: 'least', verdict: 'missed' })
  t.match(outcomeOf([slow], [slow]), { verdict: 'not measured' })
  t.end()
})

void t.test('Rates are equal when that of this proxy is not below by more than the noise', t => {
  const outcomeOf = (thisProxy: number[], theirs: number[]): TargetOutcome =>
    outcome('keep-alive', 'rate', {
      'kube-proxy-node-iptables-nft': samplesOf('rate', ...thisProxy),
      'original-iptables-nft': samplesOf('rate', ...theirs),
    })
  t.match(outcomeOf([98], [100]), { ratio: 0.98, noise: 0.03, verdict: 'met' })
  t.match(outcomeOf([96], [100]), { verdict: 'missed' })
  t.match(
    outcomeOf([80, 90, 96, 100, 110], [100]),
    { verdict: 'met' },
    'a large spread of rounds hides a small difference',
  )
  t.match(outcomeOf([150], [100]), { verdict: 'met' }, 'a faster result is no failure')
  t.end()
})

void t.test('The page and the picture of kernel modes', t => {
  const results = resultsOf({
    'full-sync-5000': {
      'kube-proxy-node-iptables-nft': samplesOf('sync', 5),
      'original-iptables-nft': [over('full-sync-5000')],
    },
    'keep-alive': {
      'kube-proxy-node-iptables-nft': samplesOf('rate', 97),
      'original-iptables-nft': samplesOf('rate', 100),
    },
  })
  const row = buildTargetTable(results, IPTABLES_SUITE).find(
    ([title]) => title === 'keep-alive requests/s, iptables (nft)',
  )
  t.same(row, ['keep-alive requests/s, iptables (nft)', '0.97 ± 0.03', 'equal', '–', '✓ met'])
  t.same(
    buildLoadTable(loadOf('full-sync-5000'), results.loads[0]!, IPTABLES_SUITE.contenders).map(cells =>
      cells.slice(0, 3),
    ),
    [
      ['', 'full sync, as logged, s', 'first list to rules, s'],
      ['kube-proxy-node iptables (nft)', '5.00', '–'],
      ['kube-proxy iptables (nft)', '> 300.00', '> 300.00'],
    ],
  )
  const page = renderReport(results, IPTABLES_SUITE)
  t.match(page, '| first full sync of 5,000 Services × 10 endpoints (nft) | < 0.017 | ≤ 0.5 | – | ✓ met |')
  t.match(page, '`npm run bench -- kernel full-sync-5000`:')
  t.match(page, '- Without kube-proxy iptables (legacy): there is none.')
  t.match(page, '[bench/results/iptables.json](../bench/results/iptables.json)')
  t.notMatch(page, /undefined|NaN/)
  const drawn = renderChart(results, IPTABLES_SUITE)
  t.match(drawn, '>&gt; 300.00</text>')
  t.equal(drawn.match(/class="bar this-proxy"/g)?.length, 2)
  t.notMatch(drawn, /undefined|NaN/)
  t.end()
})

void t.test('The page of ipvs mode has one load for each target', t => {
  const results = resultsOf({
    'keep-alive': { 'kube-proxy-node-ipvs': samplesOf('rate', 99), 'original-ipvs': samplesOf('rate', 100) },
  })
  t.same(buildTargetTable(results, IPVS_SUITE).slice(1), [
    ['keep-alive requests/s', '0.99 ± 0.03', 'equal', '–', '✓ met'],
    ['new connections/s', '–', 'equal', '–', '– not measured'],
    ['bulk to the Pod, 1 stream', '–', 'equal', '–', '– not measured'],
    ['bulk from the Pod, 1 stream', '–', 'equal', '–', '– not measured'],
  ])
  t.match(renderReport(results, IPVS_SUITE), '`npm run bench -- ipvs keep-alive`:')
  t.end()
})

void t.test('What programs log of a sync', t => {
  const about = new Date(2026, 0, 2).getTime()
  const at = new Date(2026, 0, 2, 3, 4, 5, 250).getTime()
  const thisProxy =
    'I0102 03:04:05.250000 7 program-loop.js:76] "Synced rules" family="IPv4" changed=true rules=154952 ms=6351'
  t.same(parseSyncLine('kube-proxy-node', thisProxy, about), { at, tookMs: 6351 })
  const original = 'I0102 03:04:05.250000 7 proxier.go:825] syncProxyRules took 1m51.5s'
  t.same(parseSyncLine('original', original, about), { at, tookMs: 111_500 })
  t.throws(() => parseSyncLine('kube-proxy-node', original, about), /No sync in the log line/)
  t.end()
})
