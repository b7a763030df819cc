import { testInVm } from '../support/test-in-vm.js'

await testInVm({
  file: 'integration/mode-switch.test.js',
  ran: /^ {4}ok \d+ - from ipvs to userspace: no request is lost, and an open connection goes on/m,
})
