import t from 'tap'
import { type KubeProxyConfig } from '../../lib/config/kube-proxy-config.js'
import { readConfig } from '../../lib/config/read-config.js'
import { type NodeObject } from '../../lib/model/objects.js'
import { MODES } from '../../lib/modes/registry.js'
import { NodeManager } from '../../lib/node/node-manager.js'
import { RecordingLog } from '../support/log/recording-log.js'

const NODE: NodeObject = { name: 'node-a', zone: '', addresses: ['192.168.50.1'], podCIDRs: [], eligible: true }
const CONFIG = readConfig({}, 'node-a', MODES).config
const NODE_CIDR: KubeProxyConfig = { ...CONFIG, detectLocal: { mode: 'NodeCIDR' } }
const POD_CIDR = { family: 'IPv4', network: '10.244.1.0', bits: 24 } as const

t.test('the first sync waits for the Node, its addresses, and its Pod ranges if they are needed', t => {
  for (const [name, config, node, reason] of [
    ['no Node', CONFIG, undefined, 'the API server does not return it'],
    ['no address', CONFIG, { ...NODE, addresses: [] }, 'it has no address'],
    ['no Pod ranges', CONFIG, NODE, undefined],
    ['no Pod ranges, although they identify local Pods', NODE_CIDR, NODE, 'it has no podCIDRs'],
    ['a complete Node', NODE_CIDR, { ...NODE, podCIDRs: [POD_CIDR] }, undefined],
  ] as const)
    t.equal(new NodeManager(config, () => node).waitReason, reason, name)
  t.end()
})

t.test('a Node that lacks nothing but its address is distinguished, since every mode serves without it', t => {
  for (const [name, config, node, expected] of [
    ['no Node', CONFIG, undefined, false],
    ['no address', CONFIG, { ...NODE, addresses: [] }, true],
    ['neither address nor Pod ranges that are needed', NODE_CIDR, { ...NODE, addresses: [] }, false],
    ['a complete Node', CONFIG, NODE, false],
  ] as const)
    t.equal(new NodeManager(config, () => node).lacksOnlyAddress, expected, name)
  t.end()
})

t.test('another configuration is used at once', t => {
  const manager = new NodeManager(CONFIG, () => ({ ...NODE, podCIDRs: [POD_CIDR] }))
  t.strictSame(manager.getLocalTraffic('IPv4').localMatches, [])
  manager.reconfigure(NODE_CIDR)
  t.strictSame(manager.getLocalTraffic('IPv4').localMatches, [{ source: POD_CIDR }])
  t.end()
})

t.test('local Pods are recognised by the current Pod ranges of the Node', t => {
  let node: NodeObject | undefined = NODE
  const manager = new NodeManager(NODE_CIDR, () => node)
  t.strictSame(manager.getLocalTraffic('IPv4').localMatches, [])
  node = { ...NODE, podCIDRs: [POD_CIDR] }
  t.strictSame(manager.getLocalTraffic('IPv4').localMatches, [{ source: POD_CIDR }])
  t.strictSame(manager.getLocalTraffic('IPv6').localMatches, [])
  t.end()
})

t.test('the Node is logged once per change, and is gone only if it was there before', t => {
  let node: NodeObject | undefined
  const manager = new NodeManager(CONFIG, () => node)
  const log = new RecordingLog()
  t.equal(manager.reportChanges(log), false, 'not there yet')
  node = NODE
  t.equal(manager.reportChanges(log), false)
  t.equal(manager.reportChanges(log), false)
  t.match(log.entries, [{ message: 'Node of this machine', fields: { addresses: '192.168.50.1' } }])
  t.equal(log.entries.length, 1, 'logged once')
  node = { ...NODE, addresses: [] }
  t.equal(manager.reportChanges(log), false)
  t.match(log.entries.at(-1), { severity: 'warn', message: /has no addresses/ })
  node = undefined
  t.equal(manager.reportChanges(log), true)
  t.end()
})

t.test('Pods with hostNetwork have the addresses of the Node object, or the main address without one', t => {
  const network = {
    addresses: [
      { interfaceName: 'cni0', ip: '10.244.0.1' },
      { interfaceName: 'eth0', ip: '192.168.50.1' },
      { interfaceName: 'eth0', ip: 'fd00:50::1' },
    ],
    defaultInterface: { IPv4: 'eth0', IPv6: 'eth0' },
  }
  for (const [name, addresses, family, expected] of [
    ['addresses of the Node object', ['192.168.50.7', '203.0.113.7'], 'IPv4', ['192.168.50.7', '203.0.113.7']],
    ['none of the family', ['192.168.50.7'], 'IPv6', ['fd00:50::1']],
    ['no Node object', undefined, 'IPv4', ['192.168.50.1']],
  ] as const) {
    const node = addresses === undefined ? undefined : { ...NODE, addresses }
    const manager = new NodeManager(
      { ...CONFIG, bindAddress: '10.244.0.1' },
      () => node,
      () => network,
    )
    t.strictSame(manager.getPodAddresses(family), expected, name)
  }
  t.end()
})
