import { NO_OBJECTS } from '../../../lib/doctor/gather-facts.js'
import { type ServiceWalk } from '../../../lib/doctor/kernel-facts.js'
import { unseen } from '../../../lib/doctor/seen.js'
import { endpointVerdict } from '../../../lib/snapshot/endpoint-verdict.js'
import { type CaseFacts, MANY, frontend, onPort, walk } from './case-facts.js'
import { OVERVIEW, makeEndpointView, makeWalk } from './make-facts.js'
import { objectsOf } from './objects-of.js'
import { stopped, taken } from './stopped.js'

const LINE = '-A FORWARD -j DROP'
const UNTRANSLATED = { kind: 'untranslated' } as const
const STRAY = { kind: 'served', to: ['10.244.0.99:8080'] } as const

/** Policies, source ranges, load balancers and node ports. */
export function* policyCases(): Generator<CaseFacts> {
  const drop = { fromNode: 'drop', fromPods: 'drop', fromExternal: 'drop' } as const
  for (const kernel of [undefined, { clientKind: 'outside' }, { clientKind: 'pod' }] as const)
    for (const proxy of [undefined, {}]) {
      const external = frontend({ kind: 'node port', address: null, port: 30_080, actions: drop })
      const endpoints = [
        makeEndpointView('10.244.1.2:8080', {
          cluster: endpointVerdict('ready'),
          local: endpointVerdict('not-on-this-node'),
        }),
      ]
      yield onPort({ externalTrafficPolicy: 'Local', frontends: [external] }, { kernel, proxy, endpoints })
      yield onPort(
        { internalTrafficPolicy: 'Local', frontends: [frontend({ actions: drop })] },
        { kernel, proxy, endpoints },
      )
    }
  yield onPort({ externalTrafficPolicy: 'Local' })
  const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.168.60.0/24', '192.168.61.0/24'] }
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }, { hostname: 'lb.example.com' }] } }
  const ranged = objectsOf({ spec, status })
  const away = { outcome: stopped({}, true), from: 'outside', kind: 'load-balancer IP', isLimited: true } as const
  const outside = { ...away, isInRanges: false, sender: 'host 192.168.70.9 outside the cluster' }
  for (const objects of [ranged, unseen(NO_OBJECTS), objectsOf({ spec: { ...spec, loadBalancerSourceRanges: ['x'] } })])
    for (const client of [undefined, '192.168.70.9', '192.168.60.9']) {
      yield walk(client === '192.168.60.9' ? { ...away, isInRanges: true, outcome: STRAY } : outside, {
        objects,
        client,
      })
      yield walk({}, { objects, client })
      const actions = { fromNode: 'cluster', fromPods: 'cluster', fromExternal: 'cluster-firewalled' } as const
      yield walk(
        { ...outside, isInRanges: undefined },
        { objects, client, ...onPort({ frontends: [frontend({ actions })] }) },
      )
      yield onPort({ frontends: [frontend({ actions })] }, { objects, client, kernel: { walks: [] } })
    }
  yield { objects: objectsOf({ spec: { type: 'LoadBalancer' } }) }
  const port = { nodePort: 30_080 }
  const at = (address: string, isMain: boolean, isServed: boolean) =>
    makeWalk({
      ...{
        kind: 'node port',
        from: 'outside',
        port: 30_080,
        address,
        isMain,
        sender: 'host 192.0.2.1 outside the cluster',
      },
      outcome: isServed ? { kind: 'served', to: ['10.244.0.2:8080'] } : UNTRANSLATED,
    })
  yield onPort(port)
  yield onPort(port, { kernel: undefined })
  yield onPort(port, { kernel: { walks: [at('192.168.50.1', true, true), at('10.244.0.1', false, false)] } })
  yield onPort(port, { kernel: { walks: [at('192.168.50.1', true, true)] } })
  yield onPort(port, { kernel: { walks: [at('192.168.50.1', true, false), at('10.244.0.1', false, true)] } })
  const two = makeWalk({ ...at('192.168.50.1', true, false), protocol: 'UDP' })
  yield onPort(port, { kernel: { walks: [two, at('192.168.50.1', false, true)] } })
  yield onPort(port, { kernel: { walks: [two] } })
  const forPods = { ...at('10.244.0.1', false, true), from: 'pod' } as const
  yield onPort(port, { kernel: { walks: [at('192.168.50.1', true, false), forPods] } })
}

/** Rules of the kernel. */
export function* ruleCases(): Generator<CaseFacts> {
  const places = [{}, { position: undefined, rule: 'policy DROP' }, { position: undefined, rule: 'virtual server' }]
  const sentences = [
    'All packets are dropped: the sender gets no answer.',
    'no rule lets the packet pass, and the policy of the chain is DROP',
    'IPVS has a virtual server without real servers',
  ]
  const senders = [
    'Pod 10.244.0.9 of this node',
    'a process of the node, from 10.244.0.1',
    'host 192.0.2.1 outside the cluster (any address)',
  ]
  for (const [index, place] of places.entries())
    for (const packets of [undefined, 1, 7])
      for (const isForAll of [false, true]) {
        const rule = { ...place, packets, isForAll, sentence: sentences[index]! }
        const sender = senders[index]!
        for (const how of ['dropped', 'refused'] as const) {
          yield walk({ sender, outcome: { ...stopped(rule), how } as ServiceWalk['outcome'] })
          yield walk({ sender, outcome: { ...stopped(rule, true), how } as ServiceWalk['outcome'] })
          const endpointWalks = [
            { address: '10.244.0.2:8080', outcome: { ...stopped(rule), how } as ServiceWalk['outcome'] },
          ]
          yield { kernel: { endpointWalks } }
        }
        yield walk({ sender, outcome: taken(rule) })
        yield { kernel: { addresses: ['10.96.0.10'], walks: [makeWalk({ sender, outcome: taken(rule) })] } }
      }
  yield walk({ outcome: taken({ rule: LINE, isForAll: true }) }, { client: '10.244.0.9' })
  for (const why of [
    'only the kernel can answer "-m hashlimit"',
    'no way is known',
    'no rule is known that does it',
    'target NFQUEUE',
    'the chains form a loop',
  ])
    yield walk({ outcome: { kind: 'unknown', why } })
  yield { kernel: undefined }
  yield { client: '10.9.9.9', kernel: { walks: [] } }
  yield walk({ from: 'outside' })
  const lastSync = { at: '2026-01-01T00:00:00Z', family: 'IPv4' } as const
  for (const overview of [
    OVERVIEW,
    { ...OVERVIEW, lastSync: { ...lastSync, outcome: 'done' } },
    { ...OVERVIEW, lastSync: { ...lastSync, outcome: 'failed' } },
  ])
    yield walk({ outcome: UNTRANSLATED }, { proxy: { overview: overview as never } })
  yield walk({ outcome: UNTRANSLATED }, { proxy: undefined })
  yield { kernel: { walks: MANY.map((_, index) => makeWalk({ outcome: UNTRANSLATED, address: `10.96.0.${index}` })) } }
  yield walk({ outcome: STRAY })
  yield walk({ outcome: STRAY }, { proxy: undefined })
  yield walk({ outcome: STRAY }, { proxy: undefined, objects: objectsOf({}) })
}
