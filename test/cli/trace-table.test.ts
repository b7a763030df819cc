import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { TraceSummary } from '../../lib/cli/trace/trace-summary.js'
import { TraceTable } from '../../lib/cli/trace/trace-table.js'
import { type HappeningView } from '../../lib/status/happening-view.js'

const PIPE = { colour: false, columns: Infinity, isUnicode: true }
const OPENED: HappeningView = {
  ...{ what: 'opened', at: '2026-01-01T00:00:01.005Z', namespace: 'default', service: 'web', portName: 'http' },
  ...{ protocol: 'TCP', worker: 0, pid: 5, id: 7, client: '10.244.0.9:40000', endpoint: '10.244.0.2:8080' },
  ...{ nextEndpoint: null, why: null, end: null, tries: 1, openedAt: '2026-01-01T00:00:01.000Z', forMs: null },
  ...{ bytesToEndpoint: null, bytesToClient: null },
}
const BYTES = { bytesToEndpoint: 5, bytesToClient: 1500 }
const NO_CONNECTION = { id: null, openedAt: null, tries: 0 }

/** The line of one happening, without its time. */
function lineOf(changes: Partial<HappeningView>, isWide = false): string {
  const table = new TraceTable(PIPE, { isWide, showsNamespace: false })
  const [line, ...others] = table.lines([{ ...OPENED, ...changes }])
  t.strictSame(others, [], 'one line')
  return line!.replace(/ {2,}/g, '  ').slice(line!.indexOf(' ')).trim()
}

for (const [changes, line] of [
  [{}, '+ opened  10.244.0.9:40000  web:http  10.244.0.2:8080'],
  [{ tries: 3 }, '+ opened  10.244.0.9:40000  web:http  10.244.0.2:8080  after 3 tries'],
  [{ portName: '', protocol: 'UDP', tries: 0 }, '+ opened  10.244.0.9:40000  web/UDP  10.244.0.2:8080'],
  [
    { what: 'retried', nextEndpoint: '10.244.0.3:8080', why: 'no answer within 250 ms' },
    '~ retried  10.244.0.9:40000  web:http  10.244.0.2:8080  next 10.244.0.3:8080 (no answer within 250 ms)',
  ],
  [
    { what: 'refused', ...NO_CONNECTION, endpoint: null, why: 'connection limit of the Service' },
    'x refused  10.244.0.9:40000  web:http  -  connection limit of the Service',
  ],
  [
    { what: 'refused', tries: 4, why: 'connect ECONNREFUSED' },
    'x refused  10.244.0.9:40000  web:http  10.244.0.2:8080  connect ECONNREFUSED, after 4 tries',
  ],
  [
    { what: 'ended', end: 'closed', ...BYTES },
    '- ended  10.244.0.9:40000  web:http  10.244.0.2:8080  closed after 5ms, 5B sent, 1.5kB received',
  ],
  [
    { what: 'ended', end: 'reset-by-endpoint', ...BYTES, tries: 2 },
    'x ended  10.244.0.9:40000  web:http  10.244.0.2:8080  reset by endpoint after 5ms, 5B sent, 1.5kB received, 2 tries',
  ],
  [
    { what: 'ended', end: 'flow-ended', tries: 0 },
    '- ended  10.244.0.9:40000  web:http  10.244.0.2:8080  flow ended after 5ms',
  ],
  [
    { what: 'ejected', ...NO_CONNECTION, client: null, forMs: 4000, why: 'connect ECONNREFUSED' },
    '! ejected  -  web:http  10.244.0.2:8080  for 4s (connect ECONNREFUSED)',
  ],
  [{ service: 'w\u001b[2J' }, '+ opened  10.244.0.9:40000  w\\u001b[2J:http  10.244.0.2:8080'],
] as const satisfies readonly (readonly [Partial<HappeningView>, string])[])
  t.test(line, t => {
    t.equal(lineOf(changes), line)
    t.end()
  })

t.test('a wide line names the process', t => {
  t.equal(lineOf({}, true), '+ opened  10.244.0.9:40000  web:http  10.244.0.2:8080  1  5  7')
  t.end()
})

t.test('columns stay where they are, and on a terminal no line is longer than it', t => {
  const long = { what: 'retried', nextEndpoint: '10.244.0.3:8080', why: 'x'.repeat(200) } as const
  for (const columns of [80, 120, Infinity])
    for (const isUnicode of [true, false]) {
      const table = new TraceTable(
        { colour: true, columns, isUnicode },
        { isWide: false, showsNamespace: columns > 80 },
      )
      const lines = [
        ...table.head(),
        ...table.lines([OPENED]),
        ...table.lines([
          { ...OPENED, ...long },
          { ...OPENED, what: 'ended', end: 'client-left', ...BYTES },
        ]),
      ].map(line => stripVTControlCharacters(line))
      t.ok(
        lines.every(line => line.length <= columns),
        lines.join('\n'),
      )
      t.equal(lines.length, 4)
      const [first, ...starts] = ['CLIENT', '10.244.0.9', '10.244.0.9', '10.244.0.9'].map((text, index) =>
        lines[index]!.indexOf(text),
      )
      t.strictSame(starts, [first, first, first], lines.join('\n'))
      if (columns < Infinity) t.match(lines[2], isUnicode ? /…$/ : /\.\.\.$/)
    }
  t.end()
})

t.test('the summary counts what was shown', t => {
  const summary = new TraceSummary()
  summary.add({ items: [OPENED, { ...OPENED, what: 'ended' }], isSampled: false })
  t.equal(summary.text(61_000), 'In 61s: 1 opened, 0 retried, 0 refused, 1 ended, 0 ejected')
  summary.add({ items: [OPENED], isSampled: true })
  t.equal(summary.text(1), 'In 1ms: 2 opened, 0 retried, 0 refused, 1 ended, 0 ejected; there was more than is shown')
  t.end()
})
