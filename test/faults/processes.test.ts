import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import {
  DURING_CHANGE,
  HANGS,
  REFUSED,
  THROUGH_A_WORKER,
  THROUGH_A_WORKER_AND_UDP,
  WITHOUT_PROCESSES,
  measureProcessFault,
} from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { isRunning, workersOf } from '../support/processes/children-of.js'

// process-orders, every-process-order and silent-control have more of them.
const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable
const STOP_MS = 3000

testFault(
  {
    fault: 'The only worker is killed',
    promise: 'New clients wait for the next worker. What went through the killed one is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, _, workers) => Promise.resolve(kill('SIGKILL', ...workers)),
      allowed: THROUGH_A_WORKER,
    }),
)

testFault(
  {
    fault: 'One of two workers is killed, and the other one as soon as it has been replaced',
    promise: 'The other worker serves new clients. What went through the killed ones is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first, second]) => {
        kill('SIGKILL', first!)
        await waitUntil(() => {
          const now = workersOf(control)
          return now.length === 2 && !now.includes(first!)
        }, 'it has been replaced')
        kill('SIGKILL', second!)
      },
      allowed: { ...THROUGH_A_WORKER, newConnections: 10, udpRequests: 10 },
    }),
)

testFault(
  {
    fault: 'Both workers are killed at once',
    promise: 'New clients wait for the next workers. What went through the killed ones is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, _, workers) => Promise.resolve(kill('SIGKILL', ...workers)),
      allowed: THROUGH_A_WORKER,
    }),
)

testFault(
  {
    fault: 'The control process is killed; the only worker serves alone until the next proxy does',
    promise: 'No TCP connection is lost, neither new nor open.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, control) => Promise.resolve(kill('SIGKILL', control)),
      restarts: true,
      allowed: DURING_CHANGE,
    }),
)

testFault(
  {
    fault: 'The control process is killed, then one of its two workers',
    promise: 'The other worker serves new clients until the next proxy does. What went through the killed one is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) => {
        kill('SIGKILL', control)
        await waitUntil(() => !isRunning(control), 'it has exited')
        kill('SIGKILL', first!)
      },
      restarts: true,
      allowed: THROUGH_A_WORKER_AND_UDP,
    }),
)

testFault(
  {
    fault: 'One of two workers is killed, then the control process, which has not replaced it yet',
    promise: 'The other worker serves new clients until the next proxy does. What went through the killed one is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) => Promise.resolve(kill('SIGKILL', first!, control)),
      restarts: true,
      allowed: THROUGH_A_WORKER_AND_UDP,
    }),
)

testFault(
  {
    fault: 'The only worker is killed, then the control process',
    promise: 'Clients are refused at once until the next proxy serves; none hangs.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, control, workers) => Promise.resolve(kill('SIGKILL', ...workers, control)),
      restarts: true,
      allowed: WITHOUT_PROCESSES,
      never: [HANGS],
    }),
)

testFault(
  { fault: 'The control process is stopped (SIGSTOP) for 3 s', promise: 'The workers serve; nothing is lost.', skip },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, control) => {
        kill('SIGSTOP', control)
        await delay(STOP_MS)
        kill('SIGCONT', control)
        fault.end()
      },
    }),
)

testFault(
  {
    fault: 'The only worker is stopped for 3 s',
    promise: 'New clients wait in the kernel, and nothing is lost.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, _, workers) => {
        kill('SIGSTOP', ...workers)
        await delay(STOP_MS)
        kill('SIGCONT', ...workers)
        fault.end()
      },
    }),
)

testFault(
  {
    fault: 'Both workers are stopped, then the control process; after 3 s the control process continues first',
    promise: 'The control process does not take them for hung. New clients wait in the kernel, and nothing is lost.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, workers) => {
        kill('SIGSTOP', ...workers, control)
        await delay(STOP_MS)
        kill('SIGCONT', control)
        kill('SIGCONT', ...workers)
        fault.end()
      },
    }),
)

testFault(
  {
    fault: 'The only worker is stopped and does not continue',
    promise: 'It is replaced after 10 to 12 s. New clients wait that long; what went through it is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      run: async (kill, _, [worker]) => {
        kill('SIGSTOP', worker!)
        await waitUntil(() => !isRunning(worker!), 'it has been killed')
      },
      allowed: { openConnections: 20, newConnections: Infinity, udpRequests: Infinity },
      never: [REFUSED],
    }),
)

testFault(
  {
    fault: 'The control process is stopped, and killed then',
    promise: 'The workers serve until the next proxy does. No TCP connection is lost, neither new nor open.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control) => {
        kill('SIGSTOP', control)
        await delay(STOP_MS)
        kill('SIGKILL', control)
      },
      restarts: true,
      allowed: DURING_CHANGE,
    }),
)

testFault(
  {
    fault: 'One of two workers is stopped, then the control process is killed',
    promise:
      'The other worker serves. The next proxy kills the stopped one within 5 s, and what went through it is cut; none of its new clients is refused.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control, [first]) =>
        Promise.resolve(kill('SIGSTOP', first!)).then(() => kill('SIGKILL', control)),
      restarts: true,
      allowed: THROUGH_A_WORKER_AND_UDP,
      // Those that the stopped one had accepted wait for it until they give up, if the next proxy starts slowly.
      never: [REFUSED],
    }),
)
