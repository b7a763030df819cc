import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm(
  {
    file: 'demo/demo-in-ipvs-mode.test.js',
    ranPattern: /^ok \d+ - the demo runs the same steps in ipvs mode/m,
  },
  {
    file: 'integration/ask-in-ipvs-mode.test.js',
    ranPattern: /^ok \d+ - in ipvs mode a ping of a ClusterIP reaches the node/m,
  },
)
