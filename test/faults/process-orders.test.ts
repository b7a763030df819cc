import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import {
  REFUSED,
  THROUGH_A_WORKER,
  THROUGH_A_WORKER_AND_UDP,
  measureProcessFault,
} from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { isRunning } from '../support/processes/children-of.js'

const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable
const STOP_MS = 3000

testFault(
  {
    fault:
      'The control process is stopped, then one of its two workers is killed; after 3 s the control process continues',
    promise: 'The other worker serves new clients. What went through the killed one is cut; then it is replaced.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) => {
        kill('SIGSTOP', control)
        kill('SIGKILL', first!)
        await delay(STOP_MS)
        kill('SIGCONT', control)
        fault.end()
      },
      allowed: THROUGH_A_WORKER_AND_UDP,
    }),
)

testFault(
  {
    fault:
      'One of two workers is killed, then the control process is stopped, which has not replaced it yet; after 3 s it continues',
    promise: 'The other worker serves new clients. What went through the killed one is cut; then it is replaced.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) => {
        kill('SIGKILL', first!)
        kill('SIGSTOP', control)
        await delay(STOP_MS)
        kill('SIGCONT', control)
        fault.end()
      },
      allowed: THROUGH_A_WORKER_AND_UDP,
    }),
)

testFault(
  {
    fault: 'The control process is killed, then one of its two workers is stopped',
    promise:
      'The other worker serves. The next proxy kills the stopped one within 5 s, and what went through it is cut; none of its new clients is refused.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) => {
        kill('SIGKILL', control)
        await waitUntil(() => !isRunning(control), 'it has exited')
        kill('SIGSTOP', first!)
      },
      restarts: true,
      allowed: THROUGH_A_WORKER_AND_UDP,
      // Those that the stopped one had accepted wait for it until they give up, if the next proxy starts slowly.
      never: [REFUSED],
    }),
)

testFault(
  {
    fault: 'One of two workers is stopped and does not continue, and the other one is killed',
    promise:
      'The killed one is replaced at once, and serves new clients; the stopped one is replaced after 10 to 12 s. What went through both is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, _, [first, second]) => {
        kill('SIGSTOP', first!)
        kill('SIGKILL', second!)
        await waitUntil(() => !isRunning(first!), 'it has been killed')
      },
      allowed: { ...THROUGH_A_WORKER_AND_UDP, newConnections: 2 * THROUGH_A_WORKER.newConnections },
      // Those through the stopped one wait for it until they give up.
      never: [REFUSED],
    }),
)

testFault(
  {
    fault: 'One of two workers is killed, and the other one is stopped at once and does not continue',
    promise:
      'The killed one is replaced at once, and serves new clients; the stopped one is replaced after 10 to 12 s. What went through both is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, _, [first, second]) => {
        kill('SIGKILL', first!)
        kill('SIGSTOP', second!)
        await waitUntil(() => !isRunning(second!), 'it has been killed')
      },
      allowed: { ...THROUGH_A_WORKER_AND_UDP, newConnections: 2 * THROUGH_A_WORKER.newConnections },
      never: [REFUSED],
    }),
)

testFault(
  {
    fault: 'One of two workers works without end',
    promise:
      'The other worker serves new clients. The busy one is replaced after 10 to 12 s; what went through it is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, _, [first]) => {
        kill('SIGUSR2', first!)
        await waitUntil(() => !isRunning(first!), 'it has been killed')
      },
      allowed: THROUGH_A_WORKER_AND_UDP,
      // Those that it had accepted wait for it until they give up.
      never: [REFUSED],
    }),
)

testFault(
  {
    fault: 'The only worker is stopped, and killed after 3 s',
    promise: 'New clients wait for the next worker. What went through the killed one is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, _, [worker]) => {
        kill('SIGSTOP', worker!)
        await delay(STOP_MS)
        kill('SIGKILL', worker!)
        fault.end()
      },
      allowed: THROUGH_A_WORKER,
    }),
)

testFault(
  {
    fault: 'Both workers are stopped and do not continue',
    promise: 'They are replaced after 10 to 12 s. New clients wait that long; what went through them is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, _, workers) => {
        kill('SIGSTOP', ...workers)
        await waitUntil(() => !workers.some(isRunning), 'they have been killed')
      },
      allowed: { openConnections: 20, newConnections: Infinity, udpRequests: Infinity },
      never: [REFUSED],
    }),
)
