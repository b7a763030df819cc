import { type Test } from 'tap'
import { waitUntil } from '../dataplane/plane-under-test.js'
import { stateOf } from '../processes/children-of.js'
import { FaultMeasurement } from './fault-measurement.js'
import { type Kill, type ProcessFault, measureProcessFault } from './process-fault.js'

/** A signal to the control process, or to one of two workers, each of which gets one. */
export interface ProcessStep {
  readonly process: 'control process' | 'worker'
  readonly signal: 'SIGSTOP' | 'SIGKILL'
}

/** Steps that happen one after the other. */
export type ProcessOrder = readonly ProcessStep[]

/** What the kernel says of a process after a signal. One that was killed is Z until its parent, which may be stopped, has noticed. */
const STATES_AFTER: Readonly<Record<ProcessStep['signal'], readonly (string | undefined)[]>> = {
  SIGSTOP: ['T'],
  SIGKILL: ['Z', 'X', undefined],
}

const ORDERS_AT_ONCE = 3

/** All orders of these steps that differ: which of the two workers comes first makes no difference. */
export function ordersOf(steps: readonly ProcessStep[]): ProcessOrder[] {
  if (steps.length === 0) return [[]]
  const orders = steps.flatMap((step, index) => ordersOf(steps.toSpliced(index, 1)).map(rest => [step, ...rest]))
  return [...new Map(orders.map(order => [nameOf(order), order])).values()]
}

/** What happens to the processes of a proxy in each of several orders. */
export interface ProcessOrders extends Omit<ProcessFault, 'workers' | 'run'> {
  readonly orders: readonly ProcessOrder[]
  /** Called after the last step. */
  readonly afterwards?: (fault: FaultMeasurement, kill: Kill, stopped: readonly number[]) => Promise<void>
}

/** Measures each order with a proxy of its own, which has two workers, and reports all of them in one row. */
export async function measureProcessOrders(t: Test, fault: FaultMeasurement, options: ProcessOrders): Promise<void> {
  const { orders, afterwards, ...others } = options
  const measurements: FaultMeasurement[] = []
  // Most of the time each one waits.
  t.jobs = ORDERS_AT_ONCE
  const tests = orders.map(order =>
    t.test(nameOf(order), { buffered: true }, async t => {
      const measurement = new FaultMeasurement(t)
      const run = async (kill: Kill, control: number, workers: readonly number[]): Promise<void> => {
        const stopped = await takeSteps(order, kill, control, workers)
        await afterwards?.(measurement, kill, stopped)
      }
      await measureProcessFault(t, measurement, { ...others, workers: 2, run })
      measurements.push(measurement)
    }),
  )
  await Promise.all(tests)
  fault.describe(`${orders.length} orders`)
  fault.combine(measurements)
}

/** Takes the steps, each when the one before it has had its effect. @returns the processes that are stopped */
async function takeSteps(
  order: ProcessOrder,
  kill: Kill,
  control: number,
  workers: readonly number[],
): Promise<readonly number[]> {
  const untouched = [...workers]
  const stopped: number[] = []
  for (const step of order) {
    const pid = step.process === 'worker' ? untouched.shift()! : control
    kill(step.signal, pid)
    await waitUntil(() => STATES_AFTER[step.signal].includes(stateOf(pid)), `${step.signal} has its effect`)
    if (step.signal === 'SIGSTOP') stopped.push(pid)
  }
  return stopped
}

function nameOf(order: ProcessOrder): string {
  const verbs = { SIGSTOP: 'is stopped', SIGKILL: 'is killed' }
  return order.map(({ process, signal }) => `a ${process} ${verbs[signal]}`).join(', then ')
}
