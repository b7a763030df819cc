import { testInVm } from '../support/test-in-vm.js'

await testInVm({
  file: 'demo/demo-in-ipvs-mode.test.js',
  ran: /^ok \d+ - the demo tells the same story in ipvs mode/m,
})
