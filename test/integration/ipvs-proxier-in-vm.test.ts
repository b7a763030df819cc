import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/ipvs-proxier.test.js',
  ranPattern: /^ {4}ok \d+ - all clients reach a ClusterIP/m,
})
