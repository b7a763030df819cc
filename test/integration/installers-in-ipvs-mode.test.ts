import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { installersUnavailable, readInstallers, startsInMode } from '../support/processes/installed-proxy.js'
import { testInstallers } from '../support/processes/test-installers.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 300_000
/** Installers that start kube-proxy in ipvs mode. */
const NAMES = ['ack', 'kubespray']
const skip = installersUnavailable || ipvsUnavailable

t.test('installers of ipvs mode start the program unchanged, and it serves', { skip, timeout: TIMEOUT_MS }, async t => {
  const installers = readInstallers().filter(installer => startsInMode(installer, 'ipvs'))
  await testInstallers(t, installers, NAMES)
})
