import type { Test } from 'tap'
import { type DataPlane, type TrafficCounts } from '../../../lib/dataplane/data-plane.js'
import { type DataPlaneTimings } from '../../../lib/dataplane/listener.js'
import { type ListenerPlan, type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { DEFAULT_TIMINGS, InProcessDataPlane, type InProcessOptions } from '../../../lib/dataplane/in-process.js'
import { chooseTransports } from '../../../lib/dataplane/transport/choose-transports.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { type Log } from '../../../lib/model/log.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { WorkerPool } from '../../../lib/workers/worker-pool.js'

export const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  enabled: () => false,
}

/** How TCP and UDP are done where a test does not say. */
const defaultTransports = await chooseTransports('auto', silentLog)

/** A spec of a TCP listener on loopback; whatever matters is given. */
export function makeListenerSpec(changes: Partial<ListenerSpec> & Pick<ListenerSpec, 'endpoints'>): ListenerSpec {
  return {
    key: 'IPv4/default/web/TCP',
    namespace: 'default',
    service: 'web',
    portName: '',
    protocol: 'TCP',
    address: '127.0.0.1',
    port: 0,
    affinityMs: undefined,
    balancer: 'round-robin',
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    sourceRanges: undefined,
    holdsNodePort: false,
    ...changes,
  }
}

export function makeListenerPlan(...specs: readonly ListenerSpec[]): ListenerPlan {
  return new Map(specs.map(entry => [entry.key, entry]))
}

/**
 * How many workers hold the sockets of planes under test, and whether their sockets are handed to them. See
 * `test/dataplane/with-one-worker.test.ts` and its neighbours.
 */
export const WORKERS = Number(process.env['PLANE_WORKERS'] ?? 0)
const PASSES_SOCKETS = process.env['PLANE_HANDS_SOCKETS'] !== 'no'

/** Why a test cannot be made with several workers, or false: each has a round robin of its own. */
export const turnsPerWorker = WORKERS > 1 && PASSES_SOCKETS && 'each worker has turns of its own'
/** The same, where files have to run out. */
export const descriptorsPerWorker = WORKERS > 1 && PASSES_SOCKETS && 'each worker has descriptors of its own'

/** On a machine that is busy with other tests a Pod may take its time; tests of the schedule bring their own. */
const LONG_DIAL_SCHEDULE = [10_000, 10_000, 10_000, 10_000]

/** What a data plane under test has where the test does not say. */
export const defaultPlaneOptions: InProcessOptions = {
  log: silentLog,
  clock: realClock,
  random: () => 0,
  descriptorLimit: 10_000,
  ...defaultTransports,
  timings: { ...DEFAULT_TIMINGS, dialSchedule: LONG_DIAL_SCHEDULE },
}

type PlaneOptions = Partial<Omit<InProcessOptions, 'timings' | 'boundSockets'>>

/** A data plane with real sockets on loopback, that is drained when the test ends. Round robin begins with the first endpoint. */
export class PlaneUnderTest {
  readonly plane: DataPlane

  constructor(t: Test, options: PlaneOptions = {}, timings: Partial<DataPlaneTimings> = {}) {
    const all = { ...defaultPlaneOptions, ...options, timings: { ...defaultPlaneOptions.timings, ...timings } }
    this.plane = WORKERS === 0 ? new InProcessDataPlane(all) : makeWorkerPool(all)
    t.teardown(() => this.plane.drain(0))
  }

  /** Applies specs and returns the port of each, in order. */
  async apply(...specs: readonly ListenerSpec[]): Promise<number[]> {
    const { open, failed } = await this.plane.apply(makeListenerPlan(...specs))
    for (const failure of failed.values()) throw failure
    return specs.map(({ key }) => open.get(key)!)
  }

  /** Counts of the listener of a key, or of the only one. */
  async trafficCounts(key?: string): Promise<Readonly<TrafficCounts>> {
    const { listeners } = await this.plane.counts()
    return (key === undefined ? listeners[0] : listeners.find(listener => listener.key === key))!.traffic
  }
}

/** The workers choose their ways themselves: both the public ones, where a test asks for one of them. */
function makeWorkerPool({
  log,
  clock,
  random,
  descriptorLimit,
  timings,
  transport,
  udpTransport,
}: InProcessOptions): WorkerPool {
  return new WorkerPool({
    workers: WORKERS,
    passesSockets: PASSES_SOCKETS,
    settings: {
      verbosity: 0,
      timings,
      descriptorLimit,
      fastPath: transport instanceof NetTransport || udpTransport instanceof DgramTransport ? 'off' : 'auto',
      roundRobinStart: random(),
      drainTimeout: 0,
      orphanTime: 0,
    },
    clock,
    log,
  })
}

/** Resolves when the condition holds; looks at every turn of the event loop that brings something, and fails the wait after 10 s. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited 10 s in vain until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
