import t from 'tap'
import { decodeNode } from '../../lib/snapshot/decode-node.js'
import { makeApiNode } from '../support/api/api-objects.js'

void t.test('a Node gives its zone and its addresses, internal addresses first', t => {
  const addresses = [
    { type: 'Hostname', address: 'node-a' },
    { type: 'ExternalIP', address: '203.0.113.5' },
    { type: 'InternalIP', address: '192.168.50.1' },
    { type: 'InternalIP', address: 'fd00::1' },
    { type: 'InternalIP', address: 'nonsense' },
    null,
  ] as Record<string, unknown>[]
  t.same(decodeNode(makeApiNode('node-a', { zone: 'zone-1', addresses })), {
    object: {
      name: 'node-a',
      zone: 'zone-1',
      addresses: ['192.168.50.1', 'fd00::1', '203.0.113.5'],
      podCIDRs: [],
      eligible: true,
    },
    problems: [],
  })
  t.same(decodeNode({ metadata: { name: 'node-a' } }).object, {
    name: 'node-a',
    zone: '',
    addresses: [],
    podCIDRs: [],
    eligible: true,
  })
  const leaving = (fields: object) => decodeNode({ metadata: { name: 'node-a' }, ...fields }).object?.eligible
  t.equal(leaving({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }), false)
  t.equal(leaving({ spec: { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] } }), true)
  t.equal(leaving({ metadata: { name: 'node-a', deletionTimestamp: '2026-01-01T00:00:00Z' } }), false)
  t.same(
    decodeNode({ metadata: { name: 'node-a' }, spec: { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64', 'x'] } }).object
      ?.podCIDRs,
    [
      { family: 'IPv4', network: '10.244.1.0', bits: 24 },
      { family: 'IPv6', network: 'fd00:1::', bits: 64 },
    ],
  )
  t.end()
})
