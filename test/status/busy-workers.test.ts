import t from 'tap'
import { type InspectedHappening } from '../../lib/dataplane/inspect-request.js'
import { LiveEvents } from '../../lib/status/live-events.js'
import { type StatusSources } from '../../lib/status/status-sources.js'
import { serveStatus } from '../support/status/served-status.js'
import { StatusWatch } from '../support/status/status-watch.js'

/** What a process reports at most: 400 in order, 300 failures. */
const ORDINARY = 400
const FAILURES = 300
const WORKERS = 8

/** What workers report that are as busy as they can be. */
function busyRows(after: number): InspectedHappening[] {
  const listener = { key: 'IPv6/default/web/TCP', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' }
  return Array.from({ length: ORDINARY + FAILURES }, (_, index) => ({
    listener: listener as InspectedHappening['listener'],
    what: index < ORDINARY ? 'opened' : 'refused',
    ...{
      sequence: after + index + 1,
      msAgo: index,
      id: after + index + 1,
      client: 'fd00:10:244::1234',
      clientPort: 40_000,
    },
    ...{ endpoint: '[fd00:10:244::5678]:8080', next: '', tries: 1 },
    why: index < ORDINARY ? '' : 'connect ECONNREFUSED fd00:10:244::5678:8080',
  }))
}

/** The number of a further worker, which does not reply to every second question: that is a second event each time. */
const SILENT = WORKERS

t.test('a client that reads at once keeps its connection, however busy all workers are', async t => {
  let asked = 0
  const sources = {
    proxy: { proxyVersion: '1.2.3', mode: 'userspace', carriedBy: 'sockets' },
    pid: process.pid,
    snapshot: () => ({ generation: 1, ports: new Map() }),
    syncs: { syncs: [], subscribe: () => () => undefined },
    inspect: ({ happenedAfter }: { readonly happenedAfter: ReadonlyMap<number, number> }) => {
      const processes = Array.from({ length: WORKERS }, (_, worker) => {
        const pid = 100 + worker
        const after = happenedAfter.get(pid)
        return { worker, pid, rows: after === undefined ? [] : busyRows(after) }
      })
      return Promise.resolve({ processes, missing: asked++ % 2 === 0 ? [] : [SILENT] })
    },
    wallTime: () => Date.now(),
  } as unknown as StatusSources
  const { path, server } = serveStatus(t, {
    streams: new Map([['events', new LiveEvents(sources, () => () => undefined).stream]]),
  })
  t.equal(await server.bound, undefined)
  const watch = await StatusWatch.open(t, path)
  await watch.next('watching', () => true)
  for (let second = 0; second < 3; second++) {
    const { items, isSampled } = await watch.next('happenings', () => true)
    const whats = (items as InspectedHappening[]).map(({ what }) => what)
    t.ok(whats.length > 500 && whats.length < WORKERS * (ORDINARY + FAILURES), `${whats.length} items`)
    t.equal(isSampled, true)
  }
})
