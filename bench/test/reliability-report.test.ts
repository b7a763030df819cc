import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { readProgramCommit } from '../../test/support/faults/program-commit.js'
import { thisProxy } from '../code/contenders/this-proxy.js'
import { KILL_CASES } from '../code/reliability/cases/kill-cases.js'
import { computeCaseFigures } from '../code/reliability/case-figures.js'
import { type CaseRecord } from '../code/reliability/case-site.js'
import { type RequestRecord } from '../code/reliability/load/load-report.js'
import { type ReliabilityResults, addMissing, addVmRun } from '../code/reliability/reliability-results.js'
import { formatCaseRow } from '../code/reliability/report/case-row.js'
import { renderReliabilityPicture } from '../code/reliability/report/reliability-picture.js'
import { renderReliabilityTables } from '../code/reliability/report/reliability-tables.js'
import { replaceMeasured } from '../code/reliability/report/write-reliability-report.js'
import { SETUPS } from '../code/reliability/setups.js'
import { KnownProcesses } from '../code/reliability/watch/known-processes.js'
import { findListeningSocket } from '../code/reliability/watch/listening-socket.js'
import {
  ANOTHER_PROGRAM,
  CLOSED_PORT,
  EXITING_PROCESS,
  NO_RULE,
  NO_SERVER,
} from '../code/reliability/watch/rule-watch.js'
import { findRuleLead } from '../code/reliability/watch/rule-leads.js'

/** Ten requests per second from the start on; those that start in the given times are not answered. */
function requestsUntil(endMs: number, lostIn: readonly [number, number], outcome: string): RequestRecord[] {
  return Array.from({ length: endMs / 100 }, (_, n) => {
    const startedAt = n * 100
    const isLost = startedAt >= lostIn[0] && startedAt < lostIn[1]
    return { startedAt, endedAt: startedAt + 3, outcome: isLost ? outcome : 'answered' }
  })
}

function recordOf(given: Partial<CaseRecord> = {}): CaseRecord {
  return {
    load: { requests: requestsUntil(5000, [2000, 2500], 'ECONNREFUSED'), open: 10, cuts: [] },
    states: [
      { at: -500, to: 'no rule' },
      { at: -100, to: 'old proxy' },
      { at: 2000, to: 'a closed port' },
      { at: 2600, to: 'new proxy' },
    ],
    eventAt: 1000,
    drainFrom: undefined,
    endedAt: 5000,
    ...given,
  }
}

void t.test('Requests are counted by what happened to them, and an outage lasts until the first answer', t => {
  const figures = computeCaseFigures(recordOf(), 1000)
  t.match(figures, { sent: 50, refused: 5, failed: {}, slowestMs: 3, outageMs: 500, hasRecovered: true })
  const reset = recordOf({ load: { requests: requestsUntil(5000, [4500, 5000], 'ECONNRESET'), open: 0, cuts: [] } })
  t.match(computeCaseFigures(reset, 1000), { refused: 0, failed: { ECONNRESET: 5 }, hasRecovered: false })
  const before = recordOf({ load: { requests: requestsUntil(5000, [500, 900], 'ECONNRESET'), open: 0, cuts: [] } })
  t.match(computeCaseFigures(before, 1000), { failed: { ECONNRESET: 4 }, outageMs: 0, hasRecovered: true })
  const requests = requestsUntil(5000, [2000, 2500], 'ECONNREFUSED').map(each =>
    // An answer within the outage, which took long, and a loss that took longer.
    each.startedAt === 2200
      ? { ...each, endedAt: 2900, outcome: 'answered' }
      : each.startedAt === 2300
        ? { ...each, endedAt: 4000 }
        : each,
  )
  const interrupted = recordOf({ load: { requests, open: 0, cuts: [] } })
  t.match(computeCaseFigures(interrupted, 1000), { refused: 4, slowestMs: 700, outageMs: 500 })
  const none = recordOf({ load: { requests: [], open: 0, cuts: [] } })
  t.match(computeCaseFigures(none, 1000), { sent: 0, outageMs: 0, hasRecovered: false })
  t.end()
})

void t.test('A connection that is cut at the drain timeout was not cut before it', t => {
  const cuts = [1500, 1990, 2500].map(at => ({ at, reason: 'closed' }))
  const load = { requests: requestsUntil(5000, [0, 0], ''), open: 10, cuts }
  t.match(computeCaseFigures(recordOf({ load, drainFrom: 1000 }), 1000), { cutEarly: 1, cut: 3, open: 10 })
  t.match(computeCaseFigures(recordOf({ load }), 1000), { cutEarly: 3 }, 'without a drain, none may be cut')
  t.end()
})

void t.test('The report leaves out what was before the load, and how long short states lasted', t => {
  const { leads } = computeCaseFigures(recordOf(), 1000)
  t.strictSame(leads, [
    { to: 'old proxy', fromMs: -1000, untilMs: 1000 },
    { to: 'a closed port', fromMs: 1000, untilMs: 1600 },
    { to: 'new proxy', fromMs: 1600, untilMs: 4000 },
  ])
  const row = formatCaseRow(computeCaseFigures(recordOf(), 1000))
  t.strictSame(row, [
    '50',
    '5',
    '0',
    '3 ms',
    '0 of 10',
    '0',
    '500 ms',
    'old proxy (1.0 s) → a closed port (600 ms) → new proxy',
  ])
  const states = [
    { at: 0, to: 'old proxy' },
    { at: 2000, to: 'kernel' },
    { at: 2099, to: 'new proxy' },
  ]
  const requests = requestsUntil(5000, [2000, 2200], 'ECONNRESET')
  const short = computeCaseFigures(recordOf({ load: { requests, open: 0, cuts: [] }, states }), 1000)
  t.strictSame(formatCaseRow(short).slice(2), [
    '2 × ECONNRESET',
    '3 ms',
    '–',
    '–',
    '200 ms',
    'old proxy (1.0 s) → kernel → new proxy',
  ])
  t.end()
})

void t.test('The timeline counts requests and open connections in steps', t => {
  const cuts = [{ at: 1000, reason: 'closed' }]
  const load = { requests: requestsUntil(5000, [2000, 2500], 'ECONNREFUSED'), open: 10, cuts }
  const { timeline } = computeCaseFigures(recordOf({ load }), 1000)
  t.equal(timeline.fromMs, -1000)
  t.strictSame([timeline.answered[0], timeline.answered[20], timeline.lost[20]], [1, 0, 1])
  t.strictSame([timeline.open[9], timeline.open[10]], [10, 9])
  t.end()
})

void t.test('A client is followed through the rules to a port of the node, to Pods, or nowhere', t => {
  const packet = {
    hook: 'PREROUTING',
    protocol: 'tcp',
    destination: '10.96.0.10',
    port: 80,
    localAddresses: ['192.168.50.1'],
  } as const
  const lead = (...rules: readonly string[]) =>
    findRuleLead(`*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-A - [0:0]\n${rules.join('\n')}\nCOMMIT\n`, packet)
  const match = '-d 10.96.0.10/32 -p tcp -m tcp --dport 80'
  t.strictSame(lead(`-A PREROUTING ${match} -j DNAT --to-destination 192.168.50.1:4000`), { port: 4000 })
  t.strictSame(lead(`-A PREROUTING ${match} -j REDIRECT --to-ports 4000`), { port: 4000 })
  t.equal(
    lead(`-A PREROUTING ${match} -j KUBE-A`, '-A KUBE-A -p tcp -m tcp -j DNAT --to-destination 10.244.0.2:8080'),
    'Pods',
  )
  t.equal(lead(`-A PREROUTING ${match} -j KUBE-A`), 'nothing')
  t.end()
})

/** The load of a case in which clients lose something between 2 and 2.5 s. */
const losing = (outcome: string, cutAt?: number): CaseRecord['load'] => ({
  requests: requestsUntil(5000, [2000, 2500], outcome),
  open: 10,
  cuts: cutAt === undefined ? [] : [{ at: cutAt, reason: 'closed' }],
})
const LOSSLESS = losing('answered')
const REFUSING = losing('ECONNREFUSED')
const FAILING = losing('ECONNRESET')
const CUTTING = losing('answered', 1500)
const NOT_RECOVERED = { ...LOSSLESS, requests: requestsUntil(5000, [4500, 5000], 'ECONNRESET') }
const WORKERS_ALONE = 'old proxy, its workers alone'

/** For each kill, the setup, where the rules lead after the old proxy, and the load with which the promise is kept or broken. */
const JUDGED: readonly (readonly [string, string, readonly string[], CaseRecord['load'], 'kept' | 'broken'])[] = [
  ['kill-worker', 'userspace-2', [], CUTTING, 'kept'],
  ['kill-worker', 'userspace-1', ['old proxy, waiting for a worker', 'old proxy'], FAILING, 'kept'],
  ['kill-worker', 'userspace-1', [], REFUSING, 'broken'],
  ['kill-worker', 'userspace-1', [], NOT_RECOVERED, 'broken'],
  ['kill-worker', 'userspace-1', [CLOSED_PORT, 'old proxy'], LOSSLESS, 'broken'],
  ['kill-worker', 'userspace-1', [`${ANOTHER_PROGRAM} (sh)`, 'old proxy'], LOSSLESS, 'broken'],
  ['kill-worker', 'userspace-1', [NO_RULE, 'old proxy'], LOSSLESS, 'broken'],
  ['kill-control', 'userspace-2', [WORKERS_ALONE, 'new proxy'], LOSSLESS, 'kept'],
  ['kill-control', 'userspace-2', [WORKERS_ALONE, 'new proxy'], REFUSING, 'broken'],
  ['kill-control', 'userspace-2', [WORKERS_ALONE, 'new proxy'], FAILING, 'broken'],
  ['kill-control', 'userspace-2', [WORKERS_ALONE, 'new proxy'], CUTTING, 'broken'],
  ['kill-control', 'userspace-2', [NO_RULE, 'new proxy'], LOSSLESS, 'broken'],
  ['kill-control', 'iptables', ['kernel'], LOSSLESS, 'kept'],
  ['kill-control', 'ipvs', ['kernel'], LOSSLESS, 'kept'],
  ['kill-control', 'ipvs', [NO_SERVER, 'kernel'], LOSSLESS, 'broken'],
  ['kill-control', 'iptables', ['kernel'], NOT_RECOVERED, 'broken'],
  ['kill-all', 'userspace-2', [EXITING_PROCESS, CLOSED_PORT, 'new proxy'], REFUSING, 'kept'],
  ['kill-all', 'userspace-2', [CLOSED_PORT, 'new proxy'], NOT_RECOVERED, 'broken'],
  ['kill-all', 'userspace-2', [`${ANOTHER_PROGRAM} (sh)`, CLOSED_PORT, 'new proxy'], REFUSING, 'broken'],
  ['kill-all', 'userspace-2', [NO_RULE, 'new proxy'], REFUSING, 'broken'],
  ['kill-all', 'userspace-2', [CLOSED_PORT], REFUSING, 'broken'],
  ['kill-all', 'userspace-kernel', ['kernel', 'new proxy'], REFUSING, 'kept'],
  ['kill-all', 'userspace-kernel', [CLOSED_PORT, 'new proxy'], REFUSING, 'broken'],
  ['kill-all', 'iptables', ['kernel'], LOSSLESS, 'kept'],
  ['kill-all', 'iptables', ['kernel'], REFUSING, 'broken'],
  ['kill-all', 'iptables', ['kernel'], FAILING, 'broken'],
  ['kill-all', 'iptables', ['kernel'], CUTTING, 'broken'],
  ['oom-kill', 'userspace-1', [WORKERS_ALONE, 'new proxy'], CUTTING, 'kept'],
  ['oom-kill', 'userspace-1', [WORKERS_ALONE, 'new proxy'], REFUSING, 'broken'],
  ['oom-kill', 'userspace-1', [WORKERS_ALONE, 'new proxy'], NOT_RECOVERED, 'broken'],
  ['oom-kill', 'userspace-1', [NO_RULE, 'new proxy'], LOSSLESS, 'broken'],
  ['oom-kill', 'userspace-1', [`${ANOTHER_PROGRAM} (sh)`, 'new proxy'], LOSSLESS, 'broken'],
]

void t.test('The promise of each kill is judged by what clients lost and by where the rules led', t => {
  const judge = (name: string, setupName: string, record: CaseRecord): string => {
    const { isKept } = KILL_CASES.find(each => each.name === name)!
    const setup = SETUPS.find(each => each.name === setupName)!
    return isKept(computeCaseFigures(record, 1000), setup) ? 'kept' : 'broken'
  }
  const verdicts = JUDGED.map(([name, setup, leads, load, verdict]) => {
    const states = ['old proxy', ...leads].map((to, n) => ({ at: 1000 * n, to }))
    const losses = computeCaseFigures(recordOf({ load }), 1000)
    const lost = JSON.stringify([losses.refused, losses.failed, losses.cutEarly])
    t.equal(judge(name, setup, recordOf({ load, states })), verdict, `${name}, ${setup}: ${leads.join(' → ')}; ${lost}`)
    return `${name}: ${verdict}`
  })
  for (const { name } of KILL_CASES)
    t.ok(verdicts.includes(`${name}: kept`) && verdicts.includes(`${name}: broken`), `${name} is judged both ways`)
  t.end()
})

void t.test('The holder of a listening socket is a known proxy, another program with its name, or none', async t => {
  const listen = `require('net').createServer().listen(0, function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const inode = findListeningSocket(Number(String(line)))!
  const unknown = new KnownProcesses()
  t.match(unknown.describeHolder(inode), /^another program \(.*node/)
  const processes = new KnownProcesses()
  processes.add('old proxy', child.pid!)
  t.equal(processes.describeHolder(inode), 'old proxy')
  await kill(child)
  t.equal(processes.describeHolder(inode), undefined)
  t.equal(findListeningSocket(Number(String(line))), undefined)
})

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

void t.test('The version of this proxy names its commit in a checkout', t => {
  const commit = readProgramCommit()
  const version = thisProxy.version() ?? ''
  if (commit === undefined) t.notMatch(version, /commit/)
  else t.ok(version.includes(`(commit ${commit}), Node.js`), version)
  t.end()
})

void t.test('The page and the picture show each case, and only the measured part of a page is replaced', t => {
  const figures = computeCaseFigures(recordOf(), 1000)
  const results: ReliabilityResults = {
    circumstances: { at: '2026-01-02T03:04:05Z', machine: { CPU: '2 × some' }, versions: { us: '1.0' } },
    missing: { 'some other': 'not here' },
    results: [
      { case: 'surge-update', setup: 'userspace-1', isKept: false, figures },
      { case: 'surge-update', setup: 'original', isKept: false, figures },
      { case: 'nothing', setup: 'userspace-1', isKept: true, figures },
    ],
  }
  const tables = renderReliabilityTables(results, 'a-picture.svg')
  t.match(tables, '](a-picture.svg)')
  t.match(tables, '### Surge update')
  t.match(tables, '| ✗ userspace, 1 worker | 50 | 5 | 0 |')
  t.match(tables, '| ✓ userspace, 1 worker | 50 | 5 | 0 |')
  t.match(tables, '| kube-proxy 1.20, userspace | 50 |', 'the original has promised nothing')
  t.match(tables, '| some other | not here |')
  t.notMatch(tables, '### Plain restart')
  const picture = renderReliabilityPicture(results)
  t.match(picture, 'Surge update: userspace, 1 worker')
  t.match(picture, '5 of 50 requests lost, 0 of 10 connections cut early')
  t.notMatch(picture, 'Nothing happens', 'a case without a row in it')
  const panels = picture.split('<g ').slice(1)
  t.equal(panels.length, 2)
  for (const panel of panels) {
    const count = (look: string) => panel.split(`<rect class="${look}"`).length - 1
    t.strictSame(['answered', 'lost', 'old', 'dead', 'new', 'kernel'].map(count), [44, 5, 1, 1, 1, 0])
  }
  const [begin, end] = ['<!-- begin: npm run reliability -->', '<!-- end: npm run reliability -->']
  t.equal(replaceMeasured(`a\n${begin}\nold\n${end}\nb`, 'new'), `a\n${begin}\n\nnew\n\n${end}\nb`)
  t.throws(() => replaceMeasured(`a\n${end}\nold\n${begin}\nb`, 'new'), /must contain/)
  t.end()
})

void t.test(
  'Rows from a virtual machine take the place of earlier ones, are marked, and name its load and its processor',
  t => {
    const figures = computeCaseFigures(recordOf(), 1000)
    const circumstances = (CPU: string) => ({ at: '2026-01-02T03:04:05Z', machine: { CPU }, versions: {} })
    const ofNode: ReliabilityResults = {
      circumstances: circumstances('2 × some'),
      missing: { ipvs: 'no IPVS', another: 'not here' },
      results: [
        { case: 'nothing', setup: 'iptables', isKept: true, figures },
        { case: 'nothing', setup: 'ipvs', isKept: false, figures },
      ],
    }
    const ofVm: ReliabilityResults = {
      circumstances: circumstances('1 × emulated'),
      missing: {},
      results: [{ case: 'nothing', setup: 'ipvs', isKept: true, figures }],
    }
    const load = { requestsPerSecond: 17, openConnections: 41 }
    const both = addVmRun(ofNode, ofVm, { ipvs: 'ipvs' }, load)
    t.same(both.missing, { another: 'not here' })
    const tables = renderReliabilityTables(both, 'a-picture.svg')
    t.match(tables, '| ✓ iptables | 50 |')
    t.match(tables, '| ✓ ipvs † | 50 |')
    t.notMatch(tables, '✗ ipvs')
    t.match(tables, /† In a virtual machine.*17 new\nconnections per second and 41 open ones, and 10 times as long/s)
    t.match(tables, '| CPU | 1 × emulated |')
    t.notMatch(renderReliabilityTables(ofNode, 'a-picture.svg'), '†')
    t.end()
  },
)

void t.test('A setup that could not be measured is listed with the reason', t => {
  const results: ReliabilityResults = {
    circumstances: { at: '2026-01-02T03:04:05Z', machine: {}, versions: {} },
    missing: { another: 'not here' },
    results: [],
  }
  const tables = renderReliabilityTables(addMissing(results, 'ipvs', 'exit code 3'), 'a-picture.svg')
  t.match(tables, '| another | not here |')
  t.match(tables, '| ipvs | exit code 3 |')
  t.end()
})
