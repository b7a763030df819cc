import { testInVm } from '../support/nodes/test-in-vm.js'

await testInVm(
  {
    file: 'integration/capabilities-in-ipvs-mode.test.js',
    ranPattern: /^ {4}ok \d+ - ipvs mode with legacy serves with net_admin and net_raw/m,
  },
  { file: 'integration/check-in-ipvs-mode.test.js', ranPattern: /^ {4}ok \d+ - ipvs mode works and is chosen/m },
  { file: 'integration/installers-in-ipvs-mode.test.js', ranPattern: /^ {4}ok \d+ - ack is among those that serve/m },
)
