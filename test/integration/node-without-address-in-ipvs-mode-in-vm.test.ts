import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/node-without-address-in-ipvs-mode.test.js',
  ranPattern: /^ {4}ok \d+ - ipvs mode serves while the Node has no address, and when it has one/m,
})
