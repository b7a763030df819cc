import { apiEndpoint } from '../api-objects.js'
import { NODE_IP } from '../node-network.js'
import { HERE, LB_IP_OF_NODE, NODE_NAME, OTHER_NODE, THERE } from './compared-node.js'
import {
  type ComparedService,
  type PortDefinition,
  type ServiceDefinition,
  WEB,
  comparedService,
} from './compared-service.js'

type Json = Record<string, unknown>

const DNS: PortDefinition = { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 }
const LINES: PortDefinition = { name: 'lines', port: 99, protocol: 'SCTP', targetPort: 9999 }

const endpoint = (ip: string, more: Json = {}): Json => {
  const nodeName = [...HERE, NODE_IP].includes(ip) ? NODE_NAME : OTHER_NODE
  // What a server of Kubernetes 1.20 says: the node twice, once by the field that the others know.
  return apiEndpoint(ip, { nodeName, topology: { 'kubernetes.io/hostname': nodeName }, ...more })
}
const all = (...ips: readonly string[]): Json[] => ips.map(ip => endpoint(ip))
const conditions = (ready: boolean, serving: boolean, terminating: boolean): Json => ({
  conditions: { ready, serving, terminating },
})
const inZone = (name: string): Json => ({ hints: { forZones: [{ name }] } })

const BOTH = all(HERE[0], HERE[1], THERE[0])
const LOCAL = { externalTrafficPolicy: 'Local' }
const affinity = (timeoutSeconds: number): Json => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
})
/** In the first is the node, in the second are hosts outside, in the third Pods. */
const [NEAR, FAR, PODS] = ['192.168.50.0/24', '192.0.2.0/24', '10.244.0.0/16']
const ranges = (...loadBalancerSourceRanges: readonly string[]): Json => ({ loadBalancerSourceRanges })

const DEFINITIONS: readonly ServiceDefinition[] = [
  { name: 'no endpoints', ports: [WEB, DNS, LINES], endpoints: [] },
  { name: 'one endpoint', ports: [WEB, DNS, LINES], endpoints: [all(HERE[0])] },
  { name: 'three endpoints', ports: [WEB, DNS, LINES], endpoints: [BOTH] },
  { name: 'two endpoints here', endpoints: [all(...HERE)] },
  { name: 'endpoints elsewhere only', endpoints: [all(...THERE)] },
  { name: 'several ports', ports: [WEB, { ...WEB, name: 'https', port: 443, targetPort: 8443 }], endpoints: [BOTH] },
  { name: 'one port for TCP and UDP', ports: [{ ...DNS, name: 'tcp', protocol: 'TCP' }, DNS], endpoints: [BOTH] },
  { name: 'a port without name', ports: [{ ...WEB, name: '' }], endpoints: [BOTH] },
  {
    name: 'a named target port',
    ports: [{ ...WEB, targetPort: 'web' }],
    endpoints: [all(HERE[0]), all(HERE[1], THERE[0])],
    sliceTargets: [8080, 9090],
  },
  { name: 'one endpoint in two slices', endpoints: [all(HERE[0]), all(HERE[0], THERE[0])] },
  {
    name: 'two ports of one Pod under one name',
    endpoints: [all(HERE[0]), all(HERE[0])],
    sliceTargets: [8080, 9090],
  },
  { name: 'type ClusterIP', spec: { type: 'ClusterIP' }, externalIPs: [], endpoints: [BOTH] },
  { name: 'type ClusterIP with external IP', spec: { type: 'ClusterIP' }, endpoints: [BOTH] },
  { name: 'type NodePort', spec: { type: 'NodePort' }, endpoints: [BOTH] },
  { name: 'no node port', spec: { allocateLoadBalancerNodePorts: false }, nodePort: 0, endpoints: [BOTH] },
  { name: 'two load-balancer IPs', ingress: [{ ip: '198.51.100.201' }, { ip: '198.51.100.202' }], endpoints: [BOTH] },
  { name: 'load balancer with a host name', ingress: [{ hostname: 'lb.example' }], endpoints: [BOTH] },
  { name: 'load balancer that is a proxy', ingress: [{ ip: '198.51.100.203', ipMode: 'Proxy' }], endpoints: [BOTH] },
  { name: 'load-balancer IP of the node', ingress: [{ ip: LB_IP_OF_NODE }], endpoints: [BOTH] },
  {
    name: 'external IP of the node',
    ports: [{ ...WEB, port: 9000 }],
    externalIPs: [NODE_IP],
    endpoints: [BOTH],
  },
  {
    name: 'external IP of the node, no endpoints',
    ports: [{ ...WEB, port: 9001 }],
    externalIPs: [NODE_IP],
    endpoints: [],
  },
  { name: 'policy Local, endpoints here', spec: LOCAL, ports: [WEB, DNS], endpoints: [all(...HERE)] },
  { name: 'policy Local, endpoints here and elsewhere', spec: LOCAL, endpoints: [BOTH] },
  { name: 'policy Local, endpoints elsewhere', spec: LOCAL, ports: [WEB, DNS], endpoints: [all(...THERE)] },
  { name: 'policy Local, no endpoints', spec: LOCAL, endpoints: [] },
  {
    name: 'policy Local, type NodePort, endpoints elsewhere',
    spec: { ...LOCAL, type: 'NodePort' },
    endpoints: [all(...THERE)],
  },
  {
    name: 'policy Local, type ClusterIP with external IP',
    spec: { ...LOCAL, type: 'ClusterIP' },
    endpoints: [BOTH],
  },
  { name: 'source ranges', spec: ranges(FAR), ports: [WEB, DNS], endpoints: [BOTH] },
  { name: 'source ranges with the node', spec: ranges(NEAR), endpoints: [BOTH] },
  { name: 'source ranges of Pods', spec: ranges(PODS, FAR), endpoints: [BOTH] },
  {
    name: 'source ranges, load-balancer IP of the node',
    ports: [{ ...WEB, port: 9002 }],
    spec: ranges(NEAR),
    ingress: [{ ip: LB_IP_OF_NODE }],
    endpoints: [BOTH],
  },
  {
    name: 'source ranges without the node, load-balancer IP of the node',
    ports: [{ ...WEB, port: 9003 }],
    spec: ranges(FAR),
    ingress: [{ ip: LB_IP_OF_NODE }],
    endpoints: [BOTH],
  },
  { name: 'source ranges, policy Local', spec: { ...ranges(FAR), ...LOCAL }, endpoints: [BOTH] },
  { name: 'source ranges, no endpoints', spec: ranges(FAR), endpoints: [] },
  { name: 'session affinity', spec: affinity(10_800), ports: [WEB, DNS], endpoints: [BOTH] },
  { name: 'session affinity, policy Local', spec: { ...affinity(100), ...LOCAL }, endpoints: [BOTH] },
  {
    name: 'endpoints that are not ready',
    endpoints: [[endpoint(HERE[0], conditions(false, false, false)), ...all(THERE[0])]],
  },
  { name: 'no endpoint is ready', endpoints: [[endpoint(HERE[0], conditions(false, false, false))]] },
  {
    name: 'not ready addresses are published',
    spec: { publishNotReadyAddresses: true },
    endpoints: [[endpoint(HERE[0], conditions(true, false, false)), ...all(THERE[0])]],
  },
  { name: 'an endpoint outside of the cluster', endpoints: [all('192.0.2.50')] },
  { name: 'an endpoint on the node itself', ports: [{ ...WEB, targetPort: 6443 }], endpoints: [all(NODE_IP)] },
  {
    name: 'headless',
    spec: { clusterIP: 'None', clusterIPs: ['None'], type: 'ClusterIP' },
    externalIPs: [],
    endpoints: [BOTH],
  },
  { name: 'type ExternalName', spec: { type: 'ExternalName', externalName: 'web.example' }, endpoints: [BOTH] },
  { name: 'another proxy', labels: { 'service.kubernetes.io/service-proxy-name': 'other' }, endpoints: [BOTH] },
  { name: 'label headless', labels: { 'service.kubernetes.io/headless': '' }, endpoints: [BOTH] },
  {
    name: 'a node port that two Services want',
    spec: { type: 'NodePort' },
    externalIPs: [],
    nodePort: 31_000,
    since: 2020,
    endpoints: [all(HERE[0])],
  },
  {
    name: 'the other of two with one node port',
    spec: { type: 'NodePort' },
    externalIPs: [],
    nodePort: 31_000,
    since: 2021,
    endpoints: [all(THERE[0])],
  },
  {
    name: 'an external IP that two Services want',
    spec: { type: 'ClusterIP' },
    externalIPs: ['203.0.113.200'],
    since: 2020,
    endpoints: [all(HERE[0])],
  },
  {
    name: 'the other of two with one external IP',
    spec: { type: 'ClusterIP' },
    externalIPs: ['203.0.113.200'],
    since: 2021,
    endpoints: [all(THERE[0])],
  },
  { name: 'endpoints that end', endpoints: [[endpoint(HERE[0], conditions(false, true, true))]] },
  { name: 'internal policy Local', spec: { internalTrafficPolicy: 'Local' }, endpoints: [BOTH] },
  {
    name: 'hints',
    endpoints: [[endpoint(HERE[0], inZone('a')), endpoint(HERE[1], inZone('a')), endpoint(THERE[0], inZone('b'))]],
  },
]

/** Every Service that is compared; the number of each is in its addresses. */
export const COMPARED_SERVICES: readonly ComparedService[] = DEFINITIONS.map((definition, index) =>
  comparedService(definition, index + 1),
)
