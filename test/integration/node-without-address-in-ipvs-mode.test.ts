import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { testNodeWithoutAddress } from '../support/nodes/test-node-without-address.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 300_000

t.test('A Node without an address', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, t =>
  testNodeWithoutAddress(t, 'ipvs'),
)
