import t from 'tap'
import { TallyRecorder } from '../code/soak/client/tally.js'
import { sumMetric } from '../code/soak/sum-metric.js'
import { evaluateSoak } from '../code/soak/report/evaluate-soak.js'
import { renderPlot } from '../code/soak/report/plot.js'
import { renderSoakPage } from '../code/soak/report/soak-page.js'
import { renderSoakPicture } from '../code/soak/report/soak-picture.js'
import { buildGrowthTable, buildRequestTable } from '../code/soak/report/soak-tables.js'
import { computeTicks } from '../code/soak/report/ticks.js'
import { type SoakResults, type SoakSample, warmUpSeconds } from '../code/soak/soak-results.js'

const MIB = 2 ** 20

function sampleAt(at: number, more: Partial<SoakSample> = {}): SoakSample {
  return {
    at,
    control: { rssBytes: 100 * MIB, pssBytes: 70 * MIB, descriptors: 44 },
    workers: { rssBytes: 60 * MIB, pssBytes: 30 * MIB, descriptors: 250 },
    metrics: { connections: 13, flows: 200, heapBytes: 40 * MIB, workers: 1, restarts: 0 },
    ...more,
  }
}

async function resultsOf(given: Partial<SoakResults> = {}): Promise<SoakResults> {
  const book = new TallyRecorder()
  for (const name of Object.keys(book.tallies) as (keyof typeof book.tallies)[])
    await book.count(name, () => Promise.resolve())
  return {
    circumstances: { at: '2026-01-02T03:04:05Z', machine: { CPU: '2 × some' }, versions: { us: '1.0' } },
    minutes: 6,
    samples: Array.from({ length: 361 }, (_, at) => sampleAt(at)),
    tallies: book.tallies,
    recordedErrors: book.recordedErrors,
    changes: { endpointsReplaced: 1200, servicesReplaced: 30, servicesEmptied: 20 },
    log: ['I0102 03:04:05 all is well'],
    cpuSeconds: 36,
    ...given,
  }
}

void t.test('The first 5 of 30 minutes are warm-up, and a sixth of a shorter soak', t => {
  t.equal(warmUpSeconds(30), 300)
  t.equal(warmUpSeconds(2), 20)
  t.equal(warmUpSeconds(600), 300)
  t.end()
})

void t.test('A soak passes when nothing went wrong', async t => {
  const { failures, series } = evaluateSoak(await resultsOf())
  t.strictSame(failures, [])
  t.equal(series.length, 8)
})

void t.test('Errors count but where they are expected, and each kind of load has to be done', async t => {
  const results = await resultsOf()
  const book = new TallyRecorder()
  await book.count('failing', () => Promise.reject(new Error('closed early')))
  t.strictSame(
    evaluateSoak({ ...results, tallies: { ...results.tallies, failing: { ...book.tallies.failing, done: 1 } } })
      .failures,
    [],
  )
  await book.count('persistent', () =>
    Promise.reject(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })),
  )
  await book.count('persistent', () => Promise.reject(new Error('something else came back')))
  t.strictSame(
    book.recordedErrors.map(({ kind, error }) => `${kind}: ${error}`),
    ['persistent: read ECONNRESET', 'persistent: something else came back'],
  )
  const { failures } = evaluateSoak({
    ...results,
    tallies: { ...results.tallies, persistent: book.tallies.persistent },
  })
  t.strictSame(failures, ['2 errors without a dead endpoint as cause', '"persistent" has done no work'])
})

void t.test('A worker that was replaced, and an error in the log, are failures', async t => {
  const metrics = { ...sampleAt(0).metrics!, restarts: 1 }
  const samples = [...(await resultsOf()).samples.slice(0, -1), sampleAt(360, { metrics })]
  const { failures } = evaluateSoak(await resultsOf({ samples, log: ['E0102 03:04:05 it broke'] }))
  t.strictSame(failures, ['1 workers exited and were replaced', '1 lines of the log report errors'])
})

void t.test('Each number that grows is named', async t => {
  const growing = (at: number): SoakSample => {
    const { control, workers } = sampleAt(at)
    return sampleAt(at, {
      control: { ...control, rssBytes: control.rssBytes + at * 0.2 * MIB },
      workers: { ...workers, descriptors: workers.descriptors + at },
    })
  }
  const samples = Array.from({ length: 361 }, (_, at) => growing(at))
  t.strictSame(evaluateSoak(await resultsOf({ samples })).failures, [
    'memory of the control process (RSS): grows',
    'other descriptors of the workers: grows',
  ])
})

void t.test('The tables say what was done, what went wrong, and what was held', async t => {
  const results = await resultsOf()
  const persistent = { done: 12_345, retries: 0, errors: { ECONNRESET: 2 }, expectsErrors: false }
  const rows = buildRequestTable({ ...results, tallies: { ...results.tallies, persistent } })
  t.strictSame(rows[1], ['TCP requests over persistent connections', '12,345', '–', '2', '–', 'ECONNRESET 2'])
  t.strictSame(rows.at(-1)!.slice(1, 5), ['1', '–', '–', '0'], 'errors that are expected stand apart')
  t.strictSame(buildGrowthTable(evaluateSoak(results).series)[2], [
    'memory of the data-plane workers (RSS), MiB',
    '60.0',
    '60.0',
    '60.0',
    '+0.0',
    '✓ does not grow',
  ])
})

void t.test('The page gives the verdict, and what it is about', async t => {
  const results = await resultsOf()
  const page = renderSoakPage(results, evaluateSoak(results), 'a-picture.svg')
  t.match(page, '**Passed**: 6 minutes of TCP and UDP')
  t.match(page, '(a-picture.svg)')
  t.match(page, 'used 10.0 % of one CPU')
  t.match(page, 'The allowances are\n44 MiB and 12 descriptors')
  t.match(page, '| CPU | 2 × some |')
  t.notMatch(page, /undefined|NaN|## Errors/)
  const failed = await resultsOf({ log: ['E0102 03:04:05 it broke'] })
  const failedPage = renderSoakPage(failed, evaluateSoak(failed), 'a-picture.svg')
  t.match(failedPage, '**Not passed**')
  t.match(failedPage, '- 1 lines of the log report errors')
  t.match(failedPage, '## Errors\n\n    E0102 03:04:05 it broke')
})

void t.test('The picture is well-formed, with axes that have units and a line for each number', async t => {
  const text = renderSoakPicture(await resultsOf())
  t.equal(text.match(/<path class="line (first|second|third)" d="M64\.0 /g)?.length, 6, 'lines begin at the axis')
  for (const unit of ['MiB', 'descriptors', 'minutes', 'warm-up']) t.match(text, `>${unit}</text>`)
  t.match(text, 'prefers-color-scheme: dark')
  t.notMatch(text, /undefined|NaN|Infinity/)
  const open = [...text.matchAll(/<([a-z]+)[^>]*[^/]>/g)].length
  t.equal(open, [...text.matchAll(/<\/([a-z]+)>/g)].length, 'every element that begins ends')
})

void t.test('A plot places values between its axes, and shows the peaks of many', t => {
  const points = Array.from({ length: 7200 }, (_, at) => ({ at, value: at === 5000 ? 200 : at === 5001 ? 0 : 100 }))
  const text = renderPlot({
    title: 'A & B',
    unit: 'MiB',
    lines: [{ title: 'one', styleClass: 'first', points }],
    seconds: 7200,
    warmUpSeconds: 300,
  })
  t.match(text, 'A &amp; B')
  const line = /<path class="line first" d="(M[^"]*L[^"]*)"/.exec(text)![1]!
  t.ok(line.split('L').length <= 800, 'no more than can be seen')
  const heights = line
    .split(/[ML]/)
    .slice(1)
    .map(point => Number(point.split(' ')[1]))
  t.equal(Math.min(...heights), 56, 'the highest value at the top')
  t.equal(Math.max(...heights), 276, 'zero at the bottom')
  t.equal(heights[0], 166)
  t.end()
})

void t.test('Ticks are round, some five, and reach the highest value', t => {
  t.strictSame(computeTicks(148), [0, 50, 100, 150])
  t.strictSame(computeTicks(150), [0, 50, 100, 150])
  t.strictSame(computeTicks(30), [0, 10, 20, 30])
  t.strictSame(computeTicks(2), [0, 0.5, 1, 1.5, 2])
  t.strictSame(computeTicks(0.3), [0, 0.1, 0.2, 0.3])
  t.equal(computeTicks(0)[0], 0)
  t.end()
})

void t.test('A metric is the sum of its series, all or those with a label', t => {
  const page = [
    '# TYPE open gauge',
    'open{service="a",protocol="TCP"} 3',
    'open{service="b",protocol="UDP"} 1e2',
    'open{service="c",protocol="TCP"} 4',
    '# TYPE open_total counter',
    'open_total 7',
  ].join('\n')
  t.equal(sumMetric(page, 'open', 'protocol="TCP"'), 7)
  t.equal(sumMetric(page, 'open'), 107)
  t.equal(sumMetric(page, 'open_total'), 7)
  t.throws(() => sumMetric(page, 'closed'), /no closed/)
  t.end()
})
