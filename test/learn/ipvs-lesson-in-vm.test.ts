import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm({
  file: 'learn/ipvs-lesson.test.js',
  ranPattern: /^ok \d+ - the lesson about ipvs mode shows what it explains/m,
})
