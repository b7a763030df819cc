import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { LimitedNode } from '../support/processes/few-capabilities.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 300_000
const NEEDS_NET_RAW = /Can't open socket to ipset\. \(rules that match sets need the capability NET_RAW\)/

// The other modes are in capabilities.test.ts. iptables opens a raw socket to write a rule that matches a set, in both back ends.
t.test('A proxy in ipvs mode with few capabilities', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, async t => {
  const capabilities = ['net_admin', 'net_raw']
  const node = await LimitedNode.create(t, { mode: 'ipvs', backEnd: 'nft', capabilities })
  await node.testWithout(t, 'net_raw', NEEDS_NET_RAW)
  await node.testServing(t)
  // An earlier proxy has kept its rules: to read them needs the same.
  await node.testWithout(t, 'net_raw', NEEDS_NET_RAW)
  await node.testWithout(t, 'net_admin', /IPTABLES_FORBIDDEN/)
})
