import t from 'tap'
import { readConfig } from '../../lib/config/read-config.js'
import { parseDestination } from '../../lib/explain/destination-text.js'
import { explainPacket } from '../../lib/explain/explain-packet.js'
import { type RawObject } from '../../lib/explain/load-objects.js'
import { offlineState } from '../../lib/explain/offline-state.js'
import { parseSender } from '../../lib/explain/sender-text.js'
import {
  type StatusEndpoint,
  type StatusFrontend,
  type StatusItems,
  statusServices,
} from '../../lib/explain/status-services.js'
import { MODES, modeByName } from '../../lib/modes/registry.js'

const KEY = 'IPv4/default/web:http/TCP'
const OBJECTS: readonly RawObject[] = [
  {
    kind: 'Service',
    raw: {
      metadata: { name: 'web' },
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.10',
        ports: [{ name: 'http', port: 80, nodePort: 30080 }],
        externalTrafficPolicy: 'Local',
      },
    },
  },
  {
    kind: 'EndpointSlice',
    raw: {
      metadata: { name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [
        { addresses: ['10.244.0.5'], nodeName: 'node-1', conditions: { ready: true } },
        { addresses: ['10.244.1.7'], nodeName: 'node-2', conditions: { ready: true } },
      ],
    },
  },
]

const frontend = (given: Partial<StatusFrontend>): StatusFrontend => ({
  ...{ name: 'cluster IP 10.96.0.10:80/TCP', kind: 'cluster IP', address: '10.96.0.10', port: 80 },
  ...{ fromNode: 'cluster', fromPods: 'cluster', fromExternal: 'cluster' },
  ...{ isServed: true, notServed: null },
  ...given,
})
const yes = { isUsed: true, reason: 'ready', sentence: 'used: ready' }
const elsewhere = { isUsed: false, reason: 'not-on-this-node', sentence: 'not used: on another node' }
const endpoint = (given: Partial<StatusEndpoint>): StatusEndpoint => ({
  ...{ servicePort: KEY, address: '10.244.0.5:8080', slice: 'web-x', isLocal: true },
  ...{ cluster: yes, local: yes, ejection: null },
  ...given,
})

/** The same Service in the items of the status API. */
function itemsOf(state: ReturnType<typeof planned>): StatusItems {
  const portOf = (destination: string) => {
    const packet = { ...explainAt(state, 'outside', destination) }
    const dnat = [...packet.steps, ...packet.ways.flatMap(({ steps }) => steps)].find(({ after }) => after !== null)
    return Number(dnat?.after?.destination.split(':')[1])
  }
  const listener = {
    servicePort: KEY,
    protocol: 'TCP',
    address: '192.168.50.1',
    holdsNodePort: false,
    isListening: true,
  } as const
  return {
    services: [
      {
        ...{
          key: KEY,
          namespace: 'default',
          name: 'web',
          portName: 'http',
          protocol: 'TCP',
          family: 'IPv4',
          type: 'NodePort',
        },
        ...{ clusterIP: '10.96.0.10', port: 80, nodePort: 30080, internalTrafficPolicy: 'Cluster' },
        ...{ externalTrafficPolicy: 'Local', affinitySeconds: null, balancer: 'round-robin', sourceRanges: null },
        frontends: [
          frontend({}),
          frontend({
            name: 'node port 30080/TCP',
            kind: 'node port',
            address: null,
            port: 30080,
            fromExternal: 'local',
          }),
          frontend({
            name: 'external IP',
            kind: 'external IP',
            address: '203.0.113.1',
            isServed: false,
            notServed: 'another Service has it',
          }),
        ],
      },
    ],
    endpoints: [endpoint({}), endpoint({ address: '10.244.1.7:8080', isLocal: false, local: elsewhere })],
    listeners: [
      { ...listener, port: portOf('10.96.0.10:80'), trafficClass: 'cluster' },
      { ...listener, port: portOf('192.168.50.1:30080'), trafficClass: 'local' },
    ],
  }
}

function planned(mode: string) {
  const { config } = readConfig({ 'cluster-cidr': '10.244.0.0/16' }, 'node-1', MODES)
  return offlineState({
    ...{ objects: OBJECTS, config, mode: modeByName(mode), isNodeNamed: true },
    ...{ nodeAddresses: [], podRanges: [] },
  })
}

function explainAt(state: ReturnType<typeof planned>, from: string, to: string) {
  return explainPacket(
    { from: parseSender(from)!, to: parseDestination(to)!, namespace: 'default', version: '1' },
    state,
  )
}

t.test('what a running proxy says of its Services explains packets as its objects do', t => {
  for (const mode of ['userspace', 'iptables', 'ipvs'])
    for (const from of ['pod/10.244.0.2', 'outside', 'node'])
      for (const to of ['web', '10.96.0.10:80', '192.168.50.1:30080', '10.96.0.10:81']) {
        const state = planned(mode)
        const { services, ...byObjects } = { services: state.known!.services, explained: explainAt(state, from, to) }
        t.equal(services.size, 1)
        const byStatus = explainAt({ ...state, ...statusServices(itemsOf(state)) }, from, to)
        t.same(byStatus.ways, byObjects.explained.ways, `${mode}: ways from ${from} to ${to}`)
        const comparable = ({ service }: typeof byStatus) =>
          service && {
            ...service,
            candidates: service.candidates.map(({ text: _, ...candidate }) => candidate),
            // The API does not say how Pods are recognised, and here all clients of an address have the same endpoints.
            ...(mode === 'ipvs' && { traffic: 'cluster', policy: '' }),
          }
        t.same(comparable(byStatus), comparable(byObjects.explained), `${mode}: reasons from ${from} to ${to}`)
      }
  t.end()
})

t.test('an address that is not served has the reason of the proxy, and an ejected endpoint gets no new client', t => {
  const state = planned('userspace')
  const items = itemsOf(state)
  const explain = (given: Partial<StatusItems>, to: string) =>
    explainAt({ ...state, ...statusServices({ ...items, ...given }) }, 'pod/10.244.0.2', to)
  t.match(
    explain({}, '203.0.113.1:80').notes.join(),
    /external IP of Service default\/web is not served here: another Service has it/,
  )
  const [first, second] = items.endpoints
  const ejected = { ...first!, ejection: { isUsedAnyway: false } }
  t.same(
    explain({ endpoints: [ejected, second!] }, 'web').ways.map(way => way.endpoint),
    ['10.244.1.7:8080'],
  )
  const all = [first!, second!].map(each => ({ ...each, ejection: { isUsedAnyway: true } }))
  t.equal(explain({ endpoints: all }, 'web').ways.length, 2)
  const closed = items.listeners.map(each => ({ ...each, isListening: false }))
  t.same(
    explain({ listeners: closed }, 'web').ways.map(({ end }) => end),
    ['refused'],
  )
  t.throws(() => explain({}, 'wbe'), { message: /did you mean default\/web/ })
  t.end()
})
