import { once } from 'node:events'
import { type Test } from 'tap'
import { waitUntil } from '../dataplane/plane-under-test.js'
import { ServiceNode } from '../nodes/service-node.js'
import { isRunning, workersOf } from '../processes/children-of.js'
import { SPIN_ON_SIGNAL } from '../processes/proxy-process.js'
import { type AllowedLosses, type FaultMeasurement } from './fault-measurement.js'

/** All open connections, and what is under way through a worker when it is killed. */
export const THROUGH_A_WORKER = { openConnections: 20, newConnections: 5, udpRequests: 5 } as const
/** The same if it may be the worker that has UDP, all of which one worker serves. */
export const THROUGH_A_WORKER_AND_UDP = { ...THROUGH_A_WORKER, udpRequests: Infinity } as const
/** UDP replies that come while the rules change. */
export const DURING_CHANGE = { udpRequests: 2 } as const
/** Everything that comes while no process listens. */
export const WITHOUT_PROCESSES = { openConnections: 20, newConnections: Infinity, udpRequests: Infinity } as const

export const REFUSED = 'ECONNREFUSED'
export const HANGS = 'no answer'

/** Signals to the processes of a proxy, in an order. */
export interface ProcessFault {
  readonly workers: number
  /** What SIGUSR2 does to a process of the first proxy, as arguments of Node.js; by default, it works without end. */
  readonly onSignal?: readonly string[]
  /** Further flags of each proxy. */
  readonly flags?: readonly string[]
  /** Sends signals to processes in the order of the fault; each resolves when the process has exited, or stopped. */
  readonly run: (kill: Kill, control: number, workers: readonly number[]) => Promise<unknown>
  /** Whether another proxy is started then. */
  readonly restarts?: boolean
  /** Whether clients wait as long as the fault lasts. A busy machine may start a process so slowly that others would give up. */
  readonly hasPatientClients?: boolean
  readonly allowed?: AllowedLosses
  /** What must not happen to a new client; by default, to be refused or to wait longer than it likes. */
  readonly never?: readonly string[]
  /** What the processes of the first proxy have to log. */
  readonly logs?: RegExp
}

/** Sends a signal to processes. */
export type Kill = (signal: NodeJS.Signals, ...pids: readonly number[]) => void

/** Runs a proxy under steady traffic, sends the signals, and waits until all is well again. */
export async function measureProcessFault(t: Test, fault: FaultMeasurement, options: ProcessFault): Promise<void> {
  const {
    workers,
    onSignal = SPIN_ON_SIGNAL,
    flags = [],
    run,
    restarts = false,
    hasPatientClients = false,
    allowed = {},
    never = [REFUSED, HANGS],
    logs,
  } = options
  const node = await ServiceNode.create(t, [`--data-plane-workers=${workers}`, ...flags])
  const first = await node.start([], process.env, onSignal)
  const pids = workersOf(first.child.pid!)
  t.equal(pids.length, workers)
  const traffic = await node.startTraffic({ isPatient: hasPatientClients })
  const exited = once(first.child, 'exit')
  fault.start()
  await run((signal, ...targets) => targets.forEach(pid => process.kill(pid, signal)), first.child.pid!, pids)
  if (restarts) await exited
  const proxy = restarts ? await node.start() : first
  await fault.measureRecovery('a new client is served', () => node.waitForPod('a'))
  await waitUntil(() => workersOf(proxy.child.pid!).length === workers, 'all workers run')
  const { newConnections } = await fault.checkTraffic(traffic, allowed)
  for (const reason of never) t.equal(newConnections.lost[reason], undefined, reason)
  if (restarts) await waitUntil(() => !pids.some(isRunning), 'the workers of the first proxy have exited')
  if (logs !== undefined) t.match(first.lines.join('\n'), logs)
  t.equal(await proxy.stop(), 0)
}
