import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/absent-back-ends.test.js',
  ranPattern: /^ {4}ok \d+ - neither of them is there/m,
})
