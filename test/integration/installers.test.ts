import t from 'tap'
import { installersUnavailable, readInstallers } from '../support/processes/installed-proxy.js'
import { testInstallers } from '../support/processes/test-installers.js'

/** Those whose files are in this repository, and whose mode every node has. installers-in-ipvs-mode.test.ts has others. */
const NAMES = ['aks', 'eks', 'gke', 'hard-way', 'k0s', 'k3s', 'kind', 'kubeadm', 'microk8s']

// test/faults/installer-starts.test.ts starts each in place of a proxy that serves.
t.test('every installer starts the program unchanged', { skip: installersUnavailable }, async t => {
  await testInstallers(t, readInstallers(), NAMES)
})
