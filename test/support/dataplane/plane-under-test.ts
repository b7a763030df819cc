import type { Test } from 'tap'
import { type DataPlane, type TrafficCounts } from '../../../lib/dataplane/data-plane.js'
import { type DataPlaneTimings, DEFAULT_TIMINGS } from '../../../lib/dataplane/data-plane-timings.js'
import { type ListenerPlan, type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { InProcessDataPlane, type InProcessOptions } from '../../../lib/dataplane/in-process.js'
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

/** The default transports of the tests. */
const defaultTransports = await chooseTransports('auto', silentLog)

/** Makes the spec of a TCP listener on loopback; the test gives the fields that matter. */
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

/** A plan of these listeners. */
export function makeListenerPlan(...specs: readonly ListenerSpec[]): ListenerPlan {
  return new Map(specs.map(entry => [entry.key, entry]))
}

/**
 * The number of workers of planes under test, and whether the main process passes sockets to them. See
 * `test/dataplane/with-one-worker.test.ts` and similar files.
 */
export const WORKERS = Number(process.env['PLANE_WORKERS'] ?? 0)
const PASSES_SOCKETS = process.env['PLANE_PASSES_SOCKETS'] !== 'no'

/** The reason to skip a test with several workers, or false: each worker has its own round robin. */
export const turnsPerWorker = WORKERS > 1 && PASSES_SOCKETS && 'each worker has its own round robin'
/** The same for tests in which file descriptors have to run out. */
export const descriptorsPerWorker = WORKERS > 1 && PASSES_SOCKETS && 'each worker has its own descriptors'

/** Long enough for a machine that is busy with other tests; tests of these timeouts have their own. */
const LONG_TIMINGS = { dialSchedule: [60_000, 60_000, 60_000, 60_000], queueTimeout: 60_000 }
/** How long `waitUntil` waits, in milliseconds: far longer than anything takes, even on a busy machine. */
const WAIT_TIMEOUT_MS = 60_000

/** The default options of a data plane under test. */
export const defaultPlaneOptions: InProcessOptions = {
  log: silentLog,
  clock: realClock,
  random: () => 0,
  descriptorLimit: 10_000,
  ...defaultTransports,
  timings: { ...DEFAULT_TIMINGS, ...LONG_TIMINGS },
}

type PlaneOptions = Partial<Omit<InProcessOptions, 'timings' | 'boundSockets'>>

/** Makes a data plane with real sockets on loopback; the end of the test drains it. Round robin starts with the first endpoint. */
export class PlaneUnderTest {
  readonly plane: DataPlane

  constructor(t: Test, options: PlaneOptions = {}, timings: Partial<DataPlaneTimings> = {}) {
    const all = { ...defaultPlaneOptions, ...options, timings: { ...defaultPlaneOptions.timings, ...timings } }
    this.plane = WORKERS === 0 ? new InProcessDataPlane(all) : waitForWorkers(makeWorkerPool(all), all.descriptorLimit)
    t.teardown(() => this.plane.drain(0))
  }

  /** Applies specs and returns the port of each, in order. */
  async apply(...specs: readonly ListenerSpec[]): Promise<number[]> {
    const { open, failed } = await this.plane.apply(makeListenerPlan(...specs))
    for (const failure of failed.values()) throw failure
    return specs.map(({ key }) => open.get(key)!)
  }

  /** The counters of the listener with this key, or of the only one. */
  async trafficCounts(key?: string): Promise<Readonly<TrafficCounts>> {
    const { listeners } = await this.plane.counts()
    return (key === undefined ? listeners[0] : listeners.find(listener => listener.key === key))!.traffic
  }
}

/**
 * Makes the first plan wait until all workers run and have been counted. On a busy machine a worker may start so late that the
 * pool goes on without it. The worker would then join in the middle of a test, and change counts and limits.
 */
function waitForWorkers(pool: WorkerPool, descriptorLimit: number): DataPlane {
  const areAllCounted = async (): Promise<boolean> => {
    const { workers, descriptors } = await pool.counts()
    return workers?.running === WORKERS && descriptors.limit === WORKERS * descriptorLimit
  }
  let ready: Promise<void> | undefined
  return {
    apply: async plan => {
      ready ??= waitUntil(areAllCounted, 'all workers run')
      await ready
      return pool.apply(plan)
    },
    counts: () => pool.counts(),
    inspect: request => pool.inspect(request),
    get problem() {
      return pool.problem
    },
    reserveDescriptors: descriptors => pool.reserveDescriptors(descriptors),
    drain: timeoutMs => pool.drain(timeoutMs),
  }
}

/** The workers select their transports themselves: the public ones if a test requests one of them. */
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

/** Resolves when the condition is true; checks it every few milliseconds. @throws Error after a minute */
export async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + WAIT_TIMEOUT_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Timed out after ${WAIT_TIMEOUT_MS / 1000} s waiting until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
