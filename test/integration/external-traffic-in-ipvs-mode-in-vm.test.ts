import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'integration/external-traffic-in-ipvs-mode.test.js',
  ranPattern: /^ {4}ok \d+ - every address is served for every kind of client, TCP and UDP/m,
})
