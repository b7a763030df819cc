import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { HANGS, THROUGH_A_WORKER_AND_UDP, WITHOUT_PROCESSES, type Kill } from '../support/faults/process-fault.js'
import { type ProcessStep, measureProcessOrders, ordersOf } from '../support/faults/process-orders.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

// All three processes of a proxy with two workers are stopped or killed: 24 orders differ. Those of two processes are in process-orders
// and processes.
const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable
const STOP_MS = 2000

/** What is open or under way through two workers. */
const ALL_UNDER_WAY = { ...THROUGH_A_WORKER_AND_UDP, newConnections: 2 * THROUGH_A_WORKER_AND_UDP.newConnections }
/** Everything while no process serves, and nothing afterwards. */
const ALL_BEFORE_RECOVERY = {
  openConnections: 20,
  newConnections: 'before recovery',
  udpRequests: 'before recovery',
} as const

const CONTROL_STOPPED: ProcessStep = { process: 'control process', signal: 'SIGSTOP' }
const CONTROL_KILLED: ProcessStep = { process: 'control process', signal: 'SIGKILL' }
const STOPPED: ProcessStep = { process: 'worker', signal: 'SIGSTOP' }
const KILLED: ProcessStep = { process: 'worker', signal: 'SIGKILL' }

t.test('three processes that are stopped or killed have 24 orders', t => {
  const kinds = [CONTROL_STOPPED, CONTROL_KILLED].flatMap(control =>
    [
      [STOPPED, STOPPED],
      [STOPPED, KILLED],
      [KILLED, KILLED],
    ].map(workers => ordersOf([control, ...workers])),
  )
  t.strictSame(
    kinds.map(({ length }) => length),
    [3, 6, 3, 3, 6, 3],
  )
  t.end()
})

/** Lets what is stopped continue after a time, in the order in which it was stopped. */
async function continueLater(fault: FaultMeasurement, kill: Kill, stopped: readonly number[]): Promise<void> {
  await delay(STOP_MS)
  kill('SIGCONT', ...stopped)
  fault.end()
}

testFault(
  {
    fault: 'The control process and both workers are stopped, in each order; after 2 s they continue',
    promise: 'New clients wait in the kernel, and nothing is lost.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_STOPPED, STOPPED, STOPPED]),
      afterwards: continueLater,
      hasPatientClients: true,
    }),
)

testFault(
  {
    fault:
      'The control process and one of two workers are stopped, and the other one is killed, in each order; after 2 s the stopped ones continue',
    promise: 'New clients wait in the kernel. What went through the killed worker is cut; then it is replaced.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_STOPPED, STOPPED, KILLED]),
      afterwards: continueLater,
      hasPatientClients: true,
      allowed: ALL_UNDER_WAY,
    }),
)

testFault(
  {
    fault: 'The control process is stopped, and both workers are killed, in each order; after 2 s it continues',
    promise: 'New clients wait in the kernel. What went through the workers is cut; then they are replaced.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_STOPPED, KILLED, KILLED]),
      afterwards: continueLater,
      hasPatientClients: true,
      allowed: ALL_UNDER_WAY,
    }),
)

testFault(
  {
    fault: 'The control process is killed, and both workers are stopped, in each order',
    promise:
      'Clients wait until the next proxy kills the stopped ones, within 5 s. What waits then is cut, and nothing is lost from the next rules on.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_KILLED, STOPPED, STOPPED]),
      restarts: true,
      allowed: ALL_BEFORE_RECOVERY,
      never: [],
    }),
)

testFault(
  {
    fault: 'The control process is killed, one of two workers is stopped, and the other one is killed, in each order',
    promise:
      'Clients wait until the next proxy kills the stopped one, within 5 s. What waits then is cut, and nothing is lost from the next rules on.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_KILLED, STOPPED, KILLED]),
      restarts: true,
      allowed: ALL_BEFORE_RECOVERY,
      never: [],
    }),
)

testFault(
  {
    fault: 'The control process and both workers are killed, in each order',
    promise: 'Clients are refused at once until the next proxy serves; none hangs.',
    skip,
  },
  (t, fault) =>
    measureProcessOrders(t, fault, {
      orders: ordersOf([CONTROL_KILLED, KILLED, KILLED]),
      restarts: true,
      allowed: WITHOUT_PROCESSES,
      never: [HANGS],
    }),
)
