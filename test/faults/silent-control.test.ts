import { faultsOf } from '../support/faults/faults-of.js'
import { DURING_CHANGE, measureProcessFault } from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

// It takes more than a minute, so it has a file of its own, which runs beside another one.
const testFault = faultsOf('Processes of the proxy')

testFault(
  {
    fault: 'The control process is stopped and does not continue',
    promise:
      'After a minute its workers kill it (CONTROL_SILENT), and serve until the next proxy does. No TCP connection is lost, neither new nor open.',
    skip: namespacesUnavailable,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 2,
      run: async (kill, control) => Promise.resolve(kill('SIGSTOP', control)),
      restarts: true,
      allowed: DURING_CHANGE,
      logs: /CONTROL_SILENT/,
    }),
)
