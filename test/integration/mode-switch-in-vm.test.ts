import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/mode-switch.test.js',
  ranPattern: /^ {4}ok \d+ - from ipvs to userspace no request is lost, and an open connection continues/m,
})
