import { testInVm } from '../support/test-in-vm.js'

await testInVm({ file: 'integration/ipvs.test.js', ran: /^ {4}ok \d+ - a cluster IP, from everywhere/m })
