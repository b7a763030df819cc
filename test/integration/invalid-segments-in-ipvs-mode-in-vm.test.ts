import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/invalid-segments-in-ipvs-mode.test.js',
  ranPattern: /^ok \d+ - segments outside of the window do not reset a connection/m,
})
