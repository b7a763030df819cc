import t from 'tap'
import { judgePage, viewFigures } from '../code/page/page-figures.js'
import { type ViewRecord } from '../code/page/record-view.js'
import { type PageRun } from '../code/page/run-page.js'

const SMOOTH: ViewRecord = { frames: Array.from({ length: 100 }, () => 17), longTasks: [], keys: [24] }

const unwatched = (memory: number): PageRun => ({ loads: [], views: new Map(), memory })
const watched = (memory: number, given: Partial<PageRun> = {}): PageRun => ({
  loads: [{ firstPaint: 300, firstRow: 600 }],
  views: new Map([
    ['Map', { ...SMOOTH, keys: [] }],
    ['Services', SMOOTH],
  ]),
  memory,
  ...given,
})
const areMet = (given: Partial<PageRun>): boolean[] =>
  judgePage([unwatched(100e6)], [watched(110e6, given)]).map(({ isMet }) => isMet)

t.test('a page that reaches each target meets them all, and each verdict has the figure and the target', t => {
  const verdicts = judgePage([unwatched(100e6)], [watched(115e6)])
  t.match(verdicts, [
    { isMet: true, text: /^first paint: median 300 ms, .*first Service after 600 ms; target at most 1000 ms$/ },
    { isMet: true, text: /^fluid: 99 of 100 frames within 17 ms .*; target at most 50 ms$/ },
    { isMet: true, text: /^keys: answered within 24 ms in the slowest view \(Services\); target at most 200 ms$/ },
    { isMet: true, text: /: 15\.0 MB more than 100\.0 MB; target at most 15\.0 MB$/ },
  ])
  t.end()
})

t.test('each target can be missed alone', t => {
  t.strictSame(areMet({ loads: [{ firstPaint: 1001, firstRow: 1100 }] }), [false, true, true, true])
  const jerky = { ...SMOOTH, frames: [...SMOOTH.frames.slice(2), 60, 60] }
  t.strictSame(areMet({ views: new Map([['Map', jerky]]) }), [true, false, true, true])
  t.strictSame(areMet({ views: new Map([['Services', { ...SMOOTH, keys: [208] }]]) }), [true, true, false, true])
  t.strictSame(areMet({ memory: 115.1e6 }), [true, true, true, false])
  t.end()
})

t.test('one late frame of a hundred is the longest frame, not the usual one', t => {
  const view = { frames: [...SMOOTH.frames.slice(1), 400], longTasks: [70, 90], keys: [] }
  const [figures] = viewFigures([watched(0, { views: new Map([['Map', view]]) })])
  t.match(figures, { title: 'Map', frame99: 17, longestFrame: 400, longestTask: 90, longestKey: NaN })
  t.end()
})

t.test('keys that the browser does not report were answered soon enough', t => {
  const keys = judgePage([unwatched(0)], [watched(0, { views: new Map([['Services', { ...SMOOTH, keys: [] }]]) })])[2]
  t.match(keys, { isMet: true, text: /^keys: answered within 16 ms in each view;/ })
  t.end()
})

t.test('memory is the difference between the medians of the rounds', t => {
  const without = [100e6, 101e6, 150e6].map(unwatched)
  const added = judgePage(
    without,
    [90e6, 106e6, 200e6].map(memory => watched(memory)),
  ).at(-1)!
  t.match(added, { isMet: true, text: /: 5\.0 MB more than 101\.0 MB;/ })
  t.end()
})
