import t from 'tap'
import { type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { SyncHistory } from '../../lib/status/sync-history.js'
import { makeServicePort } from '../support/model/make-service-port.js'

/** A snapshot of service ports with these names. Ports of one version are the same objects. */
function snapshotOf(generation: number, ports: ReadonlyMap<string, object>): ServiceSnapshot {
  return { generation, ports: ports as ServiceSnapshot['ports'] }
}

function servedPort(name: string): object {
  const servicePort = makeServicePort({ name })
  return { servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } }
}

const noFailure = (error: unknown): never => {
  throw error
}
const keyOf = (name: string): string => makeServicePort({ name }).key

t.test('a sync lists the service ports that have changed since the last one that succeeded', t => {
  const history = new SyncHistory(['IPv4'], () => 0, noFailure)
  const [web, dns] = [servedPort('web'), servedPort('dns')]
  const both = new Map([
    [keyOf('web'), web],
    [keyOf('dns'), dns],
  ])
  const names = (...all: string[]): string[] => all.map(name => keyOf(name).replace('IPv4/', ''))
  history.applied(snapshotOf(1, both))
  history.restoreFailed('IPv4', 'full')
  history.rulesWritten('IPv4', [{ table: 'nat', owned: 7, written: 7 }])
  history.synced('IPv4', 1000, 12.34, [], 'full')
  const changed = new Map(both).set(keyOf('web'), servedPort('web'))
  history.applied(snapshotOf(2, changed))
  changed.delete(keyOf('dns'))
  history.applied(snapshotOf(3, new Map(changed)))
  history.synced('IPv4', 2000, 1, [], 'partial')
  t.match(history.syncs, [
    { id: 1, outcome: 'failed', durationMs: null, at: '1970-01-01T00:00:00.000Z', changed: names('web', 'dns') },
    { id: 2, outcome: 'done', durationMs: 12.3, changed: names('web', 'dns'), rules: [{ owned: 7 }] },
    { id: 3, outcome: 'done', extent: 'partial', at: '1970-01-01T00:00:02.000Z', changed: names('web'), rules: [] },
  ])
  t.end()
})

t.test('a change that comes while rules are written belongs to the next sync', t => {
  const history = new SyncHistory(['IPv4'], () => 0, noFailure)
  const ports = new Map([[keyOf('web'), servedPort('web')]])
  const apply = (name: string): void => {
    ports.set(keyOf(name), servedPort(name))
    history.applied(snapshotOf(ports.size, new Map(ports)))
  }
  const lastChanged = () => history.syncs.at(-1)!.changed.map(key => /\/(\w+)/.exec(key)![1])
  apply('web')
  history.planned('IPv4')
  apply('dns')
  history.synced('IPv4', 0, 1, [], 'partial')
  t.strictSame(lastChanged(), ['web'])
  history.planned('IPv4')
  apply('mail')
  history.restoreFailed('IPv4', 'partial')
  t.strictSame(lastChanged(), ['dns'])
  history.planned('IPv4')
  history.synced('IPv4', 0, 1, [], 'full')
  t.strictSame(lastChanged().sort(), ['dns', 'mail'], 'after a failure, with those that came during it')
  apply('chat')
  history.synced('IPv4', 0, 1, [], 'partial')
  t.strictSame(lastChanged(), ['chat'], 'a sync that has to write nothing')
  t.end()
})

t.test('a removed service port is a change; memory is bounded', t => {
  const history = new SyncHistory(['IPv4'], () => 0, noFailure)
  const many = new Map(Array.from({ length: 50 }, (_, index) => [keyOf(`s${index}`), servedPort(`s${index}`)] as const))
  history.applied(snapshotOf(1, many))
  history.synced('IPv4', 0, 1, [], 'full')
  t.match(history.syncs[0], { changedCount: 50 })
  t.equal(history.syncs[0]!.changed.length, 20)
  history.applied(snapshotOf(2, new Map()))
  history.synced('IPv4', 0, 1, [], 'full')
  t.match(history.syncs[1], { changedCount: 50 })
  for (const generation of [3, 4]) {
    const again = new Map([...many.keys()].map(key => [key, servedPort(key)]))
    history.applied(snapshotOf(generation, again))
  }
  history.synced('IPv4', 0, 1, [], 'full')
  t.match(history.syncs[2], { changedCount: 50 }, 'a service port that changes twice counts once')
  const seen: number[] = []
  const stop = history.subscribe(({ id }) => seen.push(id))
  for (let index = 0; index < 150; index++) history.synced('IPv4', 0, 1, [], 'partial')
  stop()
  history.synced('IPv4', 0, 1, [], 'partial')
  t.equal(history.syncs.length, 100)
  t.equal(history.syncs.at(-1)?.id, 154)
  t.strictSame([seen[0], seen.length], [4, 150], 'a subscriber gets each sync until it leaves')
  t.end()
})

t.test('what a subscriber throws does not reach the writer of rules, and the others get the sync', t => {
  const failures: unknown[] = []
  const history = new SyncHistory(
    ['IPv4'],
    () => 0,
    error => failures.push(error),
  )
  const broken = new Error('broken')
  history.subscribe(() => {
    throw broken
  })
  const seen: number[] = []
  history.subscribe(({ id }) => seen.push(id))
  history.synced('IPv4', 0, 1, [], 'full')
  history.restoreFailed('IPv4', 'full')
  t.strictSame(seen, [1, 2])
  t.strictSame(failures, [broken, broken])
  t.end()
})
