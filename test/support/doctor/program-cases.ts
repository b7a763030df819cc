import { seen, unseen } from '../../../lib/doctor/seen.js'
import { type CaseFacts, MANY } from './case-facts.js'
import { OVERVIEW, makeServiceView } from './make-facts.js'

/** The proxy, its clients, the DNS and connection tracking. */
export function* programCases(): Generator<CaseFacts> {
  for (const state of [
    'starting',
    'waiting',
    'entering',
    'serving',
    'leaving',
    'draining',
    'yielding',
    'standby',
    'replaced',
    'ended',
  ])
    for (const isHealthy of [true, false]) yield { proxy: { overview: { ...OVERVIEW, isHealthy, state } } }
  const sockets = { carriedBy: 'sockets', mode: 'userspace' } as const
  for (const listeners of [[], [{ isListening: true, port: 8080 }], [{ isListening: true, port: 40_001 }]])
    yield { kernel: sockets, proxy: { listeners: listeners as never } }
  const sticky = makeServiceView({ affinitySeconds: 10_800 })
  yield { ports: [sticky] }
  const connection = (client: string) => ({ portName: 'http', protocol: 'TCP', client: `${client}:1000` })
  for (const [count, addresses] of [
    [20, []],
    [3, []],
    [20, ['192.168.50.9']],
  ] as const)
    for (const portName of ['http', '']) {
      const connections = Array.from({ length: count }, () => ({ ...connection('192.168.50.9'), portName })) as never
      const affinity = [{ portName, protocol: 'TCP', client: '192.168.50.9', endpoint: '10.244.0.2:8080' }] as never
      const endpoints = MANY.map(each => ({ ...each, portName }))
      const proxy = { overview: { ...OVERVIEW, carriedBy: 'sockets' as const }, connections, affinity }
      yield { ports: [{ ...sticky, portName }], endpoints, proxy, kernel: { addresses } }
    }
  const name = 'web.default.svc.cluster.local'
  for (const server of ['the cluster DNS 10.96.0.53', 'the cluster DNS 10.96.0.53, 10.96.0.54'])
    for (const isGuessed of [true, false])
      for (const failure of [
        '',
        'ENOTFOUND',
        'ENODATA',
        'ETIMEOUT',
        'ECONNREFUSED',
        'ESERVFAIL',
        'EREFUSED',
        'ECANCELLED',
        'EOTHER',
      ])
        for (const address of failure === '' ? ['10.96.0.10', '10.96.0.99'] : [])
          yield { dns: seen({ name, server, isGuessed, failure, addresses: [address] }) }
  for (const isGuessed of [true, false])
    for (const failure of ['ENOTFOUND', 'ENODATA', 'ETIMEOUT', 'ECONNREFUSED', 'ESERVFAIL', 'EREFUSED', 'ECANCELLED'])
      yield { dns: seen({ name, server: 'the cluster DNS 10.96.0.53', isGuessed, failure, addresses: [] }) }
  yield { dns: unseen('there is no Service'), conntrack: unseen('this kernel has no connection tracking') }
  yield {
    dns: unseen(
      'no cluster DNS is known: there is no Service kube-system/kube-dns, and /etc/resolv.conf is not that of a cluster',
    ),
  }
  yield { dns: unseen('the DNS cannot be asked: EINVAL'), conntrack: seen({ entries: 99, limit: 100 }) }
}
