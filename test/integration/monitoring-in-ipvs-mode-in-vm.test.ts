import { testInVm } from '../support/nodes/test-in-vm.js'

/** One test of each file, in the order of the files. A test that is skipped has no time. */
const RAN = [
  'has a row for each metric of a proxy in ipvs mode',
  'each query of the dashboards and alerts selects metrics',
  'profiles of the control process',
  'in ipvs mode each path answers',
].map(name => `^ok \\d+ - .*${name}.* # time`)

await testInVm({
  file: 'integration/monitoring-in-ipvs-mode.test.js',
  ranPattern: new RegExp(RAN.join('[^]*'), 'm'),
})
