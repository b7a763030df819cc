import { testInVm } from '../support/test-in-vm.js'

await testInVm({
  file: 'integration/in-ipvs-mode.test.js',
  ran: /^ {4}ok \d+ - every address is served for every kind of client, TCP and UDP/m,
})
