/** One Service of each policy, with all kinds of addresses, for TCP and UDP. */
export interface ReplayedService {
  readonly name: string
  readonly number: number
  readonly spec: object
  /** Where its endpoints are, by the names of Pods. */
  readonly endpoints: readonly ('here' | 'there')[]
}

const DEFINITIONS: readonly Omit<ReplayedService, 'number'>[] = [
  { name: 'cluster', spec: {}, endpoints: ['here', 'there'] },
  { name: 'local', spec: { externalTrafficPolicy: 'Local' }, endpoints: ['here', 'there'] },
  { name: 'elsewhere', spec: { externalTrafficPolicy: 'Local' }, endpoints: ['there'] },
  { name: 'internal-local', spec: { internalTrafficPolicy: 'Local' }, endpoints: ['here', 'there'] },
  { name: 'internal-elsewhere', spec: { internalTrafficPolicy: 'Local' }, endpoints: ['there'] },
  { name: 'ranges', spec: { loadBalancerSourceRanges: ['192.168.60.0/24'] }, endpoints: ['here'] },
  { name: 'affinity', spec: { sessionAffinity: 'ClientIP' }, endpoints: ['here', 'there'] },
  { name: 'none', spec: {}, endpoints: [] },
]

export const REPLAYED_SERVICES: readonly ReplayedService[] = DEFINITIONS.map((definition, index) => ({
  ...definition,
  number: index + 1,
}))

/** An address of a Service, by its kind. */
export interface ReplayedAddress {
  readonly kind: string
  readonly ip: string
  readonly port: number
}

/** The addresses of a Service; the node port at the node's own address and, for processes of the node, on loopback. */
export function addressesOf({ number }: ReplayedService, nodeIP: string): ReplayedAddress[] {
  return [
    { kind: 'cluster IP', ip: `10.96.0.${number}`, port: 80 },
    { kind: 'another port of the cluster IP', ip: `10.96.0.${number}`, port: 81 },
    { kind: 'external IP', ip: `203.0.113.${number}`, port: 80 },
    { kind: 'load-balancer IP', ip: `198.51.100.${number}`, port: 80 },
    { kind: 'node port', ip: nodeIP, port: 30_080 + number },
    { kind: 'node port on loopback', ip: '127.0.0.1', port: 30_080 + number },
  ]
}

/** The objects of all Services. @param ips of the Pods by name; only `here` is on this node */
export function replayedObjects(ips: Readonly<Record<'here' | 'there', string>>, nodeName: string): object[] {
  return REPLAYED_SERVICES.flatMap(({ name, number, spec, endpoints }) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'LoadBalancer',
        clusterIP: `10.96.0.${number}`,
        ports: [
          { name: 'tcp', port: 80, nodePort: 30_080 + number },
          { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_080 + number },
        ],
        externalIPs: [`203.0.113.${number}`],
        ...spec,
      },
      status: { loadBalancer: { ingress: [{ ip: `198.51.100.${number}` }] } },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [
        { name: 'tcp', port: 8090 },
        { name: 'udp', port: 5390, protocol: 'UDP' },
      ],
      endpoints: endpoints.map(pod => ({
        addresses: [ips[pod]],
        nodeName: pod === 'here' ? nodeName : 'another-node',
        conditions: { ready: true },
      })),
    },
  ])
}
