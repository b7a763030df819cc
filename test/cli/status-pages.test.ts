import t from 'tap'
import { OverviewPage } from '../../lib/cli/status/overview-page.js'
import { STATUS_KINDS } from '../../lib/cli/status/status-kinds.js'
import { StatusPage } from '../../lib/cli/status/status-page.js'
import { type Overview } from '../../lib/status/overview.js'
import { type TerminalStyle } from '../../lib/terminal/terminal-style.js'

const STYLE: TerminalStyle = { colour: false, columns: 500, isUnicode: true }
const START = Date.parse('2026-01-01T00:00:00.000Z')
const at = (ms: number): string => new Date(START + ms).toISOString()

/** A page that shows all columns. */
function pageOf(word: string): StatusPage {
  return new StatusPage({ kind: STATUS_KINDS.get(word)!, isWide: true, showsNamespace: true, style: STYLE })
}

const PORT = { namespace: 'default', service: 'web', portName: '', protocol: 'TCP' }
const VERDICT = { isUsed: true, reason: 'ready', text: 'used: ready' }
const CONNECTION = { ...PORT, worker: 0, pid: 5, id: 1, client: '10.0.0.1:99', endpoint: '10.0.0.2:80', tries: 1 }

for (const { word, before, passed, changed, other } of [
  {
    word: 'endpoints',
    before: {
      ...PORT,
      family: 'IPv4',
      address: 'a',
      slice: 's',
      isUsed: true,
      cluster: VERDICT,
      local: VERDICT,
      open: 0,
    },
    passed: { ejected: [{ worker: 0, forMs: 2000 }] },
    changed: { ejected: [] },
    other: { slice: 'other' },
  },
  {
    word: 'connections',
    before: { ...CONNECTION, state: 'open', end: null, endedAt: null, bytesToEndpoint: 5, bytesToClient: 5 },
    passed: { openedAt: at(-499) },
    changed: { bytesToClient: 6 },
    other: { id: 2 },
  },
  {
    word: 'ended',
    before: { ...CONNECTION, state: 'ended', end: 'closed', endedAt: at(0), bytesToEndpoint: 5, bytesToClient: 5 },
    passed: { openedAt: at(-499) },
    changed: { end: 'reset-by-client' },
    other: { pid: 6 },
  },
  {
    word: 'affinity',
    before: { ...PORT, client: '10.0.0.1', endpoint: '10.0.0.2:80', expiresAt: at(10_000) },
    passed: { expiresAt: at(9000) },
    changed: { endpoint: '10.0.0.3:80' },
    other: { client: '10.0.0.4' },
  },
  {
    word: 'syncs',
    before: {
      id: 1,
      at: at(0),
      family: 'IPv4',
      outcome: 'done',
      extent: 'full',
      durationMs: 3,
      rules: [],
      changed: [],
    },
    passed: {},
    changed: { outcome: 'failed' },
    // It says the same as the one before.
    other: { id: 2 },
  },
])
  t.test(`${word}: a watch shows a row that is new or different, not one of which time has passed`, t => {
    const page = pageOf(word)
    const first = {
      ejected: [{ worker: 0, forMs: 3000 }],
      openedAt: at(-500),
      changedCount: 0,
      ...before,
    }
    t.equal(page.lines([first], START + 400).length, 2, 'the head and the row')
    t.strictSame(page.lines([{ ...first, ...passed }], START + 60_000), [])
    t.equal(page.lines([{ ...first, ...passed, ...changed }], START + 61_000).length, 1, 'different')
    t.equal(
      page.lines(
        [
          { ...first, ...other },
          { ...first, ...passed, ...changed },
        ],
        START + 62_000,
      ).length,
      1,
      'new',
    )
    t.strictSame(page.lines([], START + 63_000), [])
    t.end()
  })

t.test('the overview is shown again line by line, where something else than the time is different', t => {
  const sync = { id: 1, at: at(0), outcome: 'done' }
  const traffic = { workers: 1, connections: 2, open: 1, refused: 0, dialFailures: 0, ejected: 0 }
  const overview = {
    ...{ mode: 'userspace', carriedBy: 'sockets', proxyVersion: '1', pid: 5, nodeName: 'n', startedAt: at(0) },
    ...{ state: 'serving', isHealthy: true, problems: [], services: 1, servicePorts: 1, portsWithoutEndpoints: 0 },
    ...{ traffic, lastSync: sync },
  } as unknown as Overview
  const page = new OverviewPage(STYLE)
  t.equal(page.lines(overview, START + 1000).length, 10)
  t.strictSame(page.lines(overview, START + 60_000), [])
  const busy = { ...overview, traffic: { ...traffic, open: 2 } }
  t.match(page.lines(busy, START + 61_000), [/^CONNECTIONS +2 open/])
  const synced = { ...busy, lastSync: { ...sync, id: 2 } } as Overview
  t.match(page.lines(synced, START + 61_000), [/^LAST SYNC +61s ago, done/])
  t.match(page.lines({ ...synced, pid: 6 }, START + 62_000), [/^PROXY .* process 6/])
  t.end()
})
