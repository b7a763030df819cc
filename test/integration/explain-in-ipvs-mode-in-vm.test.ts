import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/explain-in-ipvs-mode.test.js',
  ranPattern: /^ {4}ok \d+ - the endpoint that the kernel remembers for a client is predicted/m,
})
