import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/hand-over-between-modes.test.js',
  ranPattern: /^ {4}ok \d+ - from ipvs to ipvs mode, IPv4/m,
})
