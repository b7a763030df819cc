import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'faults/faults-in-ipvs-mode.test.js',
  ranPattern: /^ok \d+ - ipvs mode, in a virtual machine: The process is killed/m,
})
