import { type IpFamily } from '../../../lib/model/address.js'
import { NODE_IP, NODE_IP6 } from '../nodes/node-network.js'

/** The Pods with servers; only `here` is on this node. */
export type ReplayedPod = 'here' | 'there'

/** One Service of each policy, with all kinds of addresses, for TCP and UDP, IPv4 and IPv6. */
export interface ReplayedService {
  readonly name: string
  readonly number: number
  readonly spec: object
  readonly endpoints: Readonly<Partial<Record<ReplayedPod, keyof typeof CONDITIONS>>>
}

/** The conditions of an endpoint in its slice. */
const CONDITIONS = {
  ready: { ready: true, serving: true, terminating: false },
  unready: { ready: false, serving: false, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  ended: { ready: false, serving: false, terminating: true },
} as const

const BOTH = { here: 'ready', there: 'ready' } as const
const EXTERNAL_LOCAL = { externalTrafficPolicy: 'Local' }
const INTERNAL_LOCAL = { internalTrafficPolicy: 'Local' }
const FROM_OUTSIDE = { loadBalancerSourceRanges: ['192.168.60.0/24', 'fd00:60::/64'] }
const FROM_PODS = { loadBalancerSourceRanges: ['10.244.0.0/24', 'fd00:244::/64'] }
const AFFINITY = { sessionAffinity: 'ClientIP' }

const DEFINITIONS: readonly Omit<ReplayedService, 'number'>[] = [
  { name: 'cluster', spec: {}, endpoints: BOTH },
  { name: 'local', spec: EXTERNAL_LOCAL, endpoints: BOTH },
  { name: 'elsewhere', spec: EXTERNAL_LOCAL, endpoints: { there: 'ready' } },
  { name: 'internal-local', spec: INTERNAL_LOCAL, endpoints: BOTH },
  { name: 'internal-elsewhere', spec: INTERNAL_LOCAL, endpoints: { there: 'ready' } },
  { name: 'ranges', spec: FROM_OUTSIDE, endpoints: { here: 'ready' } },
  { name: 'affinity', spec: AFFINITY, endpoints: BOTH },
  { name: 'none', spec: {}, endpoints: {} },
  { name: 'both-local', spec: { ...EXTERNAL_LOCAL, ...INTERNAL_LOCAL }, endpoints: BOTH },
  { name: 'both-elsewhere', spec: { ...EXTERNAL_LOCAL, ...INTERNAL_LOCAL }, endpoints: { there: 'ready' } },
  { name: 'ranges-of-pods', spec: FROM_PODS, endpoints: BOTH },
  { name: 'ranges-and-local', spec: { ...FROM_OUTSIDE, ...EXTERNAL_LOCAL }, endpoints: BOTH },
  { name: 'ranges-elsewhere', spec: { ...FROM_OUTSIDE, ...EXTERNAL_LOCAL }, endpoints: { there: 'ready' } },
  { name: 'affinity-and-local', spec: { ...AFFINITY, ...EXTERNAL_LOCAL }, endpoints: BOTH },
  { name: 'local-none', spec: { ...EXTERNAL_LOCAL, ...INTERNAL_LOCAL }, endpoints: {} },
  { name: 'unready', spec: {}, endpoints: { here: 'unready', there: 'ready' } },
  { name: 'all-unready', spec: {}, endpoints: { here: 'unready', there: 'unready' } },
  { name: 'terminating', spec: {}, endpoints: { here: 'terminating', there: 'terminating' } },
  { name: 'one-terminating', spec: {}, endpoints: { here: 'terminating', there: 'ready' } },
  { name: 'local-terminating', spec: EXTERNAL_LOCAL, endpoints: { here: 'terminating', there: 'ready' } },
  { name: 'internal-terminating', spec: INTERNAL_LOCAL, endpoints: { here: 'terminating', there: 'ready' } },
  { name: 'local-ended', spec: EXTERNAL_LOCAL, endpoints: { here: 'ended', there: 'ready' } },
  { name: 'all-ended', spec: {}, endpoints: { here: 'ended', there: 'ended' } },
]

export const REPLAYED_SERVICES: readonly ReplayedService[] = DEFINITIONS.map((definition, index) => ({
  ...definition,
  number: index + 1,
}))

/** Whether a client of the Service keeps its endpoint. */
export function hasAffinity({ spec }: ReplayedService): boolean {
  return 'sessionAffinity' in spec
}

/** An address of a Service, by its kind. */
export interface ReplayedAddress {
  readonly kind: string
  readonly ip: string
  readonly port: number
  /** Whether only processes of the node can send there. */
  readonly isLoopback: boolean
}

/** The Services at which another port of the cluster IP is tried: one with endpoints, and one without. */
const WITH_OTHER_PORT = ['cluster', 'none']

/** The addresses of a Service; the node port at every kind of address of the node. */
export function addressesOf({ name, number }: ReplayedService, family: IpFamily): ReplayedAddress[] {
  const own = ownAddresses(number)[family]
  const nodePort = 30_080 + number
  return [
    ...(WITH_OTHER_PORT.includes(name) ? [{ kind: 'another port of the cluster IP', ip: own.cluster, port: 81 }] : []),
    { kind: 'cluster IP', ip: own.cluster, port: 80 },
    { kind: 'external IP', ip: own.external, port: 80 },
    { kind: 'load-balancer IP', ip: own.balancer, port: 80 },
    { kind: 'node port', ip: NODE_ADDRESSES[family].main, port: nodePort },
    { kind: 'node port at another address', ip: NODE_ADDRESSES[family].second, port: nodePort },
    { kind: 'node port at the bridge', ip: NODE_ADDRESSES[family].bridge, port: nodePort },
    { kind: 'node port on loopback', ip: NODE_ADDRESSES[family].loopback, port: nodePort },
  ].map(address => ({ ...address, isLoopback: address.ip === NODE_ADDRESSES[family].loopback }))
}

/** As `NodeNetwork` gives them; the second one belongs to the interface of the first host outside. */
export const NODE_ADDRESSES = {
  IPv4: { main: NODE_IP, second: '192.168.60.1', bridge: '10.244.0.1', loopback: '127.0.0.1' },
  IPv6: { main: NODE_IP6, second: 'fd00:60::1', bridge: 'fd00:244::1', loopback: '::1' },
}

function ownAddresses(number: number) {
  return {
    IPv4: { cluster: `10.96.0.${number}`, external: `203.0.113.${number}`, balancer: `198.51.100.${number}` },
    IPv6: {
      cluster: `fd00:96::${number.toString(16)}`,
      external: `2001:db8:e::${number.toString(16)}`,
      balancer: `2001:db8:b::${number.toString(16)}`,
    },
  }
}

/** The objects of all Services. @param ips of the Pods by family */
export function replayedObjects(
  ips: Readonly<Record<IpFamily, Readonly<Record<ReplayedPod, string>>>>,
  nodeName: string,
): object[] {
  return REPLAYED_SERVICES.flatMap(service => {
    const { name, number, spec, endpoints } = service
    const { IPv4, IPv6 } = ownAddresses(number)
    const slices = (['IPv4', 'IPv6'] as const).map(family => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      ports: [
        { name: 'tcp', port: 8090 },
        { name: 'udp', port: 5390, protocol: 'UDP' },
      ],
      endpoints: Object.entries(endpoints).map(([pod, condition]) => ({
        addresses: [ips[family][pod as ReplayedPod]],
        nodeName: pod === 'here' ? nodeName : 'another-node',
        conditions: CONDITIONS[condition],
      })),
    }))
    return [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: {
          type: 'LoadBalancer',
          ipFamilyPolicy: 'RequireDualStack',
          ipFamilies: ['IPv4', 'IPv6'],
          clusterIP: IPv4.cluster,
          clusterIPs: [IPv4.cluster, IPv6.cluster],
          ports: [
            { name: 'tcp', port: 80, nodePort: 30_080 + number },
            { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_080 + number },
          ],
          externalIPs: [IPv4.external, IPv6.external],
          ...spec,
        },
        status: { loadBalancer: { ingress: [{ ip: IPv4.balancer }, { ip: IPv6.balancer }] } },
      },
      ...slices,
    ]
  })
}
