import t from 'tap'
import { isFailure, isWantedHappening } from '../../lib/dataplane/wanted-happening.js'
import { HappeningSample } from '../../lib/dataplane/happening-sample.js'
import { type Happened, Happenings } from '../../lib/dataplane/happenings.js'
import { type HappeningFilter } from '../../lib/dataplane/inspect-request.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { ManualClock } from '../support/clock/manual-clock.js'

const EVERYTHING: HappeningFilter = {
  ...{ namespace: undefined, service: undefined, client: undefined, pod: undefined },
  onlyFailures: false,
}
const OPENED: Happened = {
  listener: { key: 'k', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' },
  ...{ what: 'opened', id: 1, client: '10.244.0.9', clientPort: 4000, endpoint: '10.244.0.2:80' },
  ...{ next: '', why: '', tries: 1, openedAt: 0 },
}
const ENDED: Happened = { ...OPENED, what: 'ended', end: 'closed' }
const RETRIED: Happened = { ...OPENED, what: 'retried', next: '[fd00::3]:80', why: 'refused' }
const EJECTED: Happened = { ...OPENED, what: 'ejected', client: '', forMs: 2000 }

for (const [name, happened, filter, isWanted] of [
  ['no filter', OPENED, {}, true],
  ['the Service', OPENED, { namespace: 'default', service: 'web' }, true],
  ['another Service', OPENED, { service: 'we' }, false],
  ['another namespace', OPENED, { namespace: 'other', service: 'web' }, false],
  ['the client', OPENED, { client: parseCidr('10.244.0.9/32') }, true],
  ['its range', OPENED, { client: parseCidr('10.244.0.0/24') }, true],
  ['another range', OPENED, { client: parseCidr('10.244.1.0/24') }, false],
  ['a range of the other family', OPENED, { client: parseCidr('::/0') }, false],
  ['any client, of an ejection', EJECTED, { client: parseCidr('0.0.0.0/0') }, false],
  ['the endpoint', OPENED, { pod: '10.244.0.2' }, true],
  ['an address that begins like it', OPENED, { pod: '10.244.0' }, false],
  ['the next endpoint', RETRIED, { pod: 'fd00::3' }, true],
  ['the endpoint of an ejection', EJECTED, { pod: '10.244.0.2' }, true],
  ['failures, of what opened', OPENED, { onlyFailures: true }, false],
  ['failures, of an end in order', ENDED, { onlyFailures: true }, false],
  ['failures, of another end', { ...ENDED, end: 'reset-by-endpoint' }, { onlyFailures: true }, true],
  ['failures, of a retry', RETRIED, { onlyFailures: true }, true],
  ['failures, of a retry of another Service', RETRIED, { service: 'dns', onlyFailures: true }, false],
] as const)
  t.test(`a filter for ${name} ${isWanted ? 'lets it pass' : 'does not let it pass'}`, t => {
    t.equal(isWantedHappening({ ...EVERYTHING, ...filter }, happened), isWanted)
    t.end()
  })

t.test('what went in order is no failure', t => {
  t.strictSame(
    [OPENED, ENDED, { ...ENDED, end: 'flow-ended' } as const].map(each => isFailure(each)),
    [false, false, false],
  )
  t.strictSame(
    [RETRIED, EJECTED, { ...OPENED, what: 'refused' } as const, { ...ENDED, end: 'client-left' } as const].map(each =>
      isFailure(each),
    ),
    [true, true, true, true],
  )
  t.end()
})

/** Which of the connections 1 to `count` a sample keeps. */
function keptOf(sample: HappeningSample, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, index) => (index + 1) * step).filter(id => sample.keeps(id, false))
}

t.test('a process that is not busy reports everything; a busy one a share of the connections, whole ones', t => {
  const sample = new HappeningSample()
  t.equal(keptOf(sample, 400).length, 400)
  sample.next()
  t.equal(keptOf(sample, 400).length, 400)
  sample.next()
  t.equal(keptOf(sample, 10_000).length, 400, 'a sudden burst is cut')
  sample.next()
  const opened = keptOf(sample, 5000)
  t.ok(opened.length > 30 && opened.length < 110, `${opened.length} of 5000 after 10000`)
  t.strictSame(
    keptOf(sample, 100),
    opened.filter(id => id <= 100),
    'the same ones end',
  )
  t.equal(
    Array.from({ length: 1000 }, (_, id) => sample.keeps(id, true)).filter(isKept => isKept).length,
    300,
    'failures',
  )
  sample.next()
  const more = keptOf(sample, 5000)
  t.ok(
    opened.every(id => more.includes(id)),
    'a larger share has those of a smaller one',
  )
  sample.next()
  const spread = keptOf(sample, 1000, 64)
  t.ok(spread.length > 10 && spread.length < 70, `${spread.length} of 1000, whose numbers are multiples of 64`)
  sample.next()
  sample.next()
  t.equal(keptOf(sample, 300).length, 300, 'when it is quiet again')
  t.end()
})

t.test('nothing is remembered unless a client watches, and what was reported is forgotten', async t => {
  const clock = new ManualClock()
  const happenings = new Happenings(clock)
  const ask = (after: number | undefined, ...filters: HappeningFilter[]) =>
    happenings.ask(after, filters.length === 0 ? [EVERYTHING] : filters).map(({ sequence, what }) => [sequence, what])
  t.notOk(happenings.isWatched)
  t.strictSame(ask(undefined), [])
  t.ok(happenings.isWatched)
  for (const happened of [OPENED, RETRIED, ENDED]) happenings.add(happened)
  const all = [
    [1, 'opened'],
    [2, 'retried'],
    [3, 'ended'],
  ]
  t.strictSame(ask(0), all)
  t.strictSame(ask(0), all, 'the answer was lost')
  t.strictSame(ask(3, { ...EVERYTHING, service: 'dns' }, { ...EVERYTHING, onlyFailures: true }), [])
  for (const happened of [OPENED, RETRIED, ENDED]) happenings.add(happened)
  t.strictSame(ask(3), [[4, 'retried']], 'what a filter lets pass')
  await clock.advance(10_001)
  happenings.add(OPENED)
  t.notOk(happenings.isWatched, 'no client has asked for long')
  t.strictSame(ask(4), [])
  happenings.add(OPENED)
  t.strictSame(ask(4), [[6, 'opened']], 'a gap says that something was lost')
  t.strictSame(ask(undefined), [], 'another client')
  happenings.add(OPENED)
  t.strictSame(ask(0), [[1, 'opened']])
})

t.test('the last happening is reported also if it is one too many: a gap at the end is seen', t => {
  const happenings = new Happenings(new ManualClock())
  const sequences = (after: number | undefined) => happenings.ask(after, [EVERYTHING]).map(({ sequence }) => sequence)
  happenings.ask(undefined, [EVERYTHING])
  for (let id = 1; id <= 2000; id++) happenings.add({ ...OPENED, what: 'refused', id })
  const reported = sequences(0)
  t.strictSame([reported.length, reported.at(-2), reported.at(-1)], [301, 300, 2000])
  t.strictSame(sequences(0), reported, 'the answer was lost')
  t.strictSame(sequences(2000), [], 'nothing twice')
  happenings.add(OPENED)
  t.strictSame(sequences(2000), [2001])
  t.end()
})

t.test('what is remembered has a limit, although answers are lost', t => {
  const happenings = new Happenings(new ManualClock())
  happenings.ask(undefined, [EVERYTHING])
  for (let question = 0; question < 20; question++) {
    for (let id = 1; id <= 300; id++) happenings.add({ ...OPENED, id })
    t.ok(happenings.ask(0, [EVERYTHING]).length <= 1000)
  }
  happenings.ask(20 * 300, [EVERYTHING])
  happenings.add(OPENED)
  t.strictSame(
    happenings.ask(20 * 300, [EVERYTHING]).map(({ sequence }) => sequence),
    [20 * 300 + 1],
  )
  t.end()
})
