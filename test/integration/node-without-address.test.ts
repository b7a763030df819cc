import t from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { testNodeWithoutAddress } from '../support/nodes/test-node-without-address.js'

// node-without-address-in-ipvs-mode.test.ts tests the third mode.
t.test('A Node without an address', { skip: namespacesUnavailable }, async t => {
  for (const mode of ['userspace', 'iptables'] as const) await testNodeWithoutAddress(t, mode)
})
