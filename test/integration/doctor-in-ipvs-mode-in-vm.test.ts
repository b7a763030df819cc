import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/doctor-in-ipvs-mode.test.js',
  ranPattern: /^ {4}ok \d+ - closed: nothing-listens/m,
})
