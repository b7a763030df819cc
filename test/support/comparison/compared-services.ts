import { makeApiEndpoint } from '../api/api-objects.js'
import { NODE_IP } from '../nodes/node-network.js'
import { LOCAL_POD_IPS, NODE_LB_IP, NODE_NAME, OTHER_NODE, REMOTE_POD_IPS } from './compared-node.js'
import {
  type ComparedService,
  type PortDefinition,
  type ServiceDefinition,
  WEB_PORT,
  makeComparedService,
} from './compared-service.js'

type Json = Record<string, unknown>

const DNS_PORT: PortDefinition = { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 }
const SCTP_PORT: PortDefinition = { name: 'lines', port: 99, protocol: 'SCTP', targetPort: 9999 }

const endpoint = (ip: string, more: Json = {}): Json => {
  const nodeName = [...LOCAL_POD_IPS, NODE_IP].includes(ip) ? NODE_NAME : OTHER_NODE
  // A server of Kubernetes 1.20 names the node twice, once in the field that newer versions use.
  return makeApiEndpoint(ip, { nodeName, topology: { 'kubernetes.io/hostname': nodeName }, ...more })
}
const endpointsAt = (...ips: readonly string[]): Json[] => ips.map(ip => endpoint(ip))
const conditions = (ready: boolean, serving: boolean, terminating: boolean): Json => ({
  conditions: { ready, serving, terminating },
})
const inZone = (name: string): Json => ({ hints: { forZones: [{ name }] } })

const LOCAL_AND_REMOTE = endpointsAt(LOCAL_POD_IPS[0], LOCAL_POD_IPS[1], REMOTE_POD_IPS[0])
const POLICY_LOCAL = { externalTrafficPolicy: 'Local' }
const affinity = (timeoutSeconds: number): Json => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
})
/** The first range contains the node, the second hosts outside, the third Pods. */
const [NODE_RANGE, OUTSIDE_RANGE, POD_RANGE] = ['192.168.50.0/24', '192.0.2.0/24', '10.244.0.0/16']
const sourceRanges = (...loadBalancerSourceRanges: readonly string[]): Json => ({ loadBalancerSourceRanges })

const DEFINITIONS: readonly ServiceDefinition[] = [
  { name: 'no endpoints', ports: [WEB_PORT, DNS_PORT, SCTP_PORT], endpoints: [] },
  { name: 'one endpoint', ports: [WEB_PORT, DNS_PORT, SCTP_PORT], endpoints: [endpointsAt(LOCAL_POD_IPS[0])] },
  { name: 'three endpoints', ports: [WEB_PORT, DNS_PORT, SCTP_PORT], endpoints: [LOCAL_AND_REMOTE] },
  { name: 'two local endpoints', endpoints: [endpointsAt(...LOCAL_POD_IPS)] },
  { name: 'remote endpoints only', endpoints: [endpointsAt(...REMOTE_POD_IPS)] },
  {
    name: 'several ports',
    ports: [WEB_PORT, { ...WEB_PORT, name: 'https', port: 443, targetPort: 8443 }],
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'one port for TCP and UDP',
    ports: [{ ...DNS_PORT, name: 'tcp', protocol: 'TCP' }, DNS_PORT],
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'a port without name', ports: [{ ...WEB_PORT, name: '' }], endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'a named target port',
    ports: [{ ...WEB_PORT, targetPort: 'web' }],
    endpoints: [endpointsAt(LOCAL_POD_IPS[0]), endpointsAt(LOCAL_POD_IPS[1], REMOTE_POD_IPS[0])],
    sliceTargets: [8080, 9090],
  },
  {
    name: 'one endpoint in two slices',
    endpoints: [endpointsAt(LOCAL_POD_IPS[0]), endpointsAt(LOCAL_POD_IPS[0], REMOTE_POD_IPS[0])],
  },
  {
    name: 'two ports of one Pod under one name',
    endpoints: [endpointsAt(LOCAL_POD_IPS[0]), endpointsAt(LOCAL_POD_IPS[0])],
    sliceTargets: [8080, 9090],
  },
  { name: 'type ClusterIP', spec: { type: 'ClusterIP' }, externalIPs: [], endpoints: [LOCAL_AND_REMOTE] },
  { name: 'type ClusterIP with external IP', spec: { type: 'ClusterIP' }, endpoints: [LOCAL_AND_REMOTE] },
  { name: 'type NodePort', spec: { type: 'NodePort' }, endpoints: [LOCAL_AND_REMOTE] },
  { name: 'no node port', spec: { allocateLoadBalancerNodePorts: false }, nodePort: 0, endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'two load-balancer IPs',
    ingress: [{ ip: '198.51.100.201' }, { ip: '198.51.100.202' }],
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'load balancer with a host name', ingress: [{ hostname: 'lb.example' }], endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'load balancer that is a proxy',
    ingress: [{ ip: '198.51.100.203', ipMode: 'Proxy' }],
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'load-balancer IP of the node', ingress: [{ ip: NODE_LB_IP }], endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'external IP of the node',
    ports: [{ ...WEB_PORT, port: 9000 }],
    externalIPs: [NODE_IP],
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'external IP of the node, no endpoints',
    ports: [{ ...WEB_PORT, port: 9001 }],
    externalIPs: [NODE_IP],
    endpoints: [],
  },
  {
    name: 'policy Local, local endpoints',
    spec: POLICY_LOCAL,
    ports: [WEB_PORT, DNS_PORT],
    endpoints: [endpointsAt(...LOCAL_POD_IPS)],
  },
  { name: 'policy Local, local and remote endpoints', spec: POLICY_LOCAL, endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'policy Local, remote endpoints',
    spec: POLICY_LOCAL,
    ports: [WEB_PORT, DNS_PORT],
    endpoints: [endpointsAt(...REMOTE_POD_IPS)],
  },
  { name: 'policy Local, no endpoints', spec: POLICY_LOCAL, endpoints: [] },
  {
    name: 'policy Local, type NodePort, endpoints elsewhere',
    spec: { ...POLICY_LOCAL, type: 'NodePort' },
    endpoints: [endpointsAt(...REMOTE_POD_IPS)],
  },
  {
    name: 'policy Local, type ClusterIP with external IP',
    spec: { ...POLICY_LOCAL, type: 'ClusterIP' },
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'source ranges',
    spec: sourceRanges(OUTSIDE_RANGE),
    ports: [WEB_PORT, DNS_PORT],
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'source ranges with the node', spec: sourceRanges(NODE_RANGE), endpoints: [LOCAL_AND_REMOTE] },
  { name: 'source ranges of Pods', spec: sourceRanges(POD_RANGE, OUTSIDE_RANGE), endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'source ranges, load-balancer IP of the node',
    ports: [{ ...WEB_PORT, port: 9002 }],
    spec: sourceRanges(NODE_RANGE),
    ingress: [{ ip: NODE_LB_IP }],
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'source ranges without the node, load-balancer IP of the node',
    ports: [{ ...WEB_PORT, port: 9003 }],
    spec: sourceRanges(OUTSIDE_RANGE),
    ingress: [{ ip: NODE_LB_IP }],
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'source ranges, policy Local',
    spec: { ...sourceRanges(OUTSIDE_RANGE), ...POLICY_LOCAL },
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'source ranges, no endpoints', spec: sourceRanges(OUTSIDE_RANGE), endpoints: [] },
  { name: 'session affinity', spec: affinity(10_800), ports: [WEB_PORT, DNS_PORT], endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'session affinity, policy Local',
    spec: { ...affinity(100), ...POLICY_LOCAL },
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'endpoints that are not ready',
    endpoints: [[endpoint(LOCAL_POD_IPS[0], conditions(false, false, false)), ...endpointsAt(REMOTE_POD_IPS[0])]],
  },
  { name: 'no endpoint is ready', endpoints: [[endpoint(LOCAL_POD_IPS[0], conditions(false, false, false))]] },
  {
    name: 'not ready addresses are published',
    spec: { publishNotReadyAddresses: true },
    endpoints: [[endpoint(LOCAL_POD_IPS[0], conditions(true, false, false)), ...endpointsAt(REMOTE_POD_IPS[0])]],
  },
  { name: 'an endpoint outside of the cluster', endpoints: [endpointsAt('192.0.2.50')] },
  {
    name: 'an endpoint on the node itself',
    ports: [{ ...WEB_PORT, targetPort: 6443 }],
    endpoints: [endpointsAt(NODE_IP)],
  },
  {
    name: 'headless',
    spec: { clusterIP: 'None', clusterIPs: ['None'], type: 'ClusterIP' },
    externalIPs: [],
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'type ExternalName',
    spec: { type: 'ExternalName', externalName: 'web.example' },
    endpoints: [LOCAL_AND_REMOTE],
  },
  {
    name: 'another proxy',
    labels: { 'service.kubernetes.io/service-proxy-name': 'other' },
    endpoints: [LOCAL_AND_REMOTE],
  },
  { name: 'label headless', labels: { 'service.kubernetes.io/headless': '' }, endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'a node port conflict, older Service',
    spec: { type: 'NodePort' },
    externalIPs: [],
    nodePort: 31_000,
    createdYear: 2020,
    endpoints: [endpointsAt(LOCAL_POD_IPS[0])],
  },
  {
    name: 'a node port conflict, newer Service',
    spec: { type: 'NodePort' },
    externalIPs: [],
    nodePort: 31_000,
    createdYear: 2021,
    endpoints: [endpointsAt(REMOTE_POD_IPS[0])],
  },
  {
    name: 'an external IP conflict, older Service',
    spec: { type: 'ClusterIP' },
    externalIPs: ['203.0.113.200'],
    createdYear: 2020,
    endpoints: [endpointsAt(LOCAL_POD_IPS[0])],
  },
  {
    name: 'an external IP conflict, newer Service',
    spec: { type: 'ClusterIP' },
    externalIPs: ['203.0.113.200'],
    createdYear: 2021,
    endpoints: [endpointsAt(REMOTE_POD_IPS[0])],
  },
  { name: 'terminating endpoints', endpoints: [[endpoint(LOCAL_POD_IPS[0], conditions(false, true, true))]] },
  { name: 'internal policy Local', spec: { internalTrafficPolicy: 'Local' }, endpoints: [LOCAL_AND_REMOTE] },
  {
    name: 'hints',
    endpoints: [
      [
        endpoint(LOCAL_POD_IPS[0], inZone('a')),
        endpoint(LOCAL_POD_IPS[1], inZone('a')),
        endpoint(REMOTE_POD_IPS[0], inZone('b')),
      ],
    ],
  },
]

/** All Services to compare; the number of each is part of its addresses. */
export const COMPARED_SERVICES: readonly ComparedService[] = DEFINITIONS.map((definition, index) =>
  makeComparedService(definition, index + 1),
)
