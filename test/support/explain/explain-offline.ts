import { readConfig } from '../../../lib/config/read-config.js'
import { parseDestination } from '../../../lib/explain/destination-text.js'
import { explainPacket } from '../../../lib/explain/explain-packet.js'
import { type ExplainedState } from '../../../lib/explain/explained-state.js'
import { type Explanation } from '../../../lib/explain/explanation.js'
import { type RawObject } from '../../../lib/explain/load-objects.js'
import { offlineState } from '../../../lib/explain/offline-state.js'
import { parseSender } from '../../../lib/explain/sender-text.js'
import { MODES, modeByName } from '../../../lib/modes/registry.js'

const service = (name: string, spec: object, status: object = {}, namespace = 'default'): RawObject => ({
  kind: 'Service',
  raw: { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec, status },
})
const slice = (
  name: string,
  ports: readonly object[],
  endpoints: readonly object[],
  namespace = 'default',
): RawObject => ({
  kind: 'EndpointSlice',
  raw: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-x`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports,
    endpoints,
  },
})
const endpoint = (ip: string, nodeName: string, ready = true) => ({ addresses: [ip], nodeName, conditions: { ready } })

const OBJECTS: readonly RawObject[] = [
  service('web', {
    type: 'NodePort',
    clusterIP: '10.96.0.10',
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    externalTrafficPolicy: 'Local',
  }),
  slice(
    'web',
    [{ name: 'http', port: 8080 }],
    [endpoint('10.244.0.5', 'node-1'), endpoint('10.244.1.7', 'node-2'), endpoint('10.244.1.8', 'node-2', false)],
  ),
  service(
    'dns',
    {
      clusterIP: '10.96.0.53',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53 },
      ],
    },
    {},
    'kube-system',
  ),
  slice(
    'dns',
    [
      { name: 'dns', port: 5353, protocol: 'UDP' },
      { name: 'dns-tcp', port: 5353 },
    ],
    [endpoint('10.244.0.9', 'node-1')],
    'kube-system',
  ),
  service('sticky', { clusterIP: '10.96.0.11', ports: [{ port: 80 }], sessionAffinity: 'ClientIP' }),
  slice('sticky', [{ port: 8080 }], [endpoint('10.244.0.5', 'node-1'), endpoint('10.244.0.6', 'node-1')]),
  service('empty', { clusterIP: '10.96.0.12', ports: [{ port: 80 }] }),
  service('headless', { clusterIP: 'None', ports: [{ port: 80 }] }),
  service(
    'ranges',
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.13',
      ports: [{ port: 80 }],
      loadBalancerSourceRanges: ['198.51.100.0/24'],
    },
    { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } },
  ),
  slice('ranges', [{ port: 8080 }], [endpoint('10.244.0.5', 'node-1')]),
  service('host', { clusterIP: '10.96.0.15', ports: [{ port: 443 }] }),
  slice('host', [{ port: 6443 }], [endpoint('192.168.50.1', 'node-1')]),
  service('longer', { clusterIP: '10.96.0.16', ports: [{ port: 80 }] }),
  slice('longer', [{ port: 8080 }], [endpoint('10.244.0.50', 'node-1')]),
  service('later', { clusterIP: '10.96.0.14', ports: [{ port: 80 }], externalIPs: ['10.96.0.10'] }),
]

/** The state of a node in a mode, with the Services of this file, as they would be without a proxy that runs. */
export function explainedState(mode: string, flags: Readonly<Record<string, string>> = {}): ExplainedState {
  const { config, problems } = readConfig({ 'cluster-cidr': '10.244.0.0/16', ...flags }, 'node-1', MODES)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return offlineState({
    ...{ objects: OBJECTS, config, mode: modeByName(mode), isNodeNamed: true },
    ...{ nodeAddresses: [], podRanges: [] },
  })
}

/** Explains a packet there. @param known replaces parts of the state */
export function explainOffline(
  mode: string,
  from: string,
  to: string,
  flags: Readonly<Record<string, string>> = {},
  known: Partial<ExplainedState> = {},
): Explanation {
  return explainPacket(
    { from: parseSender(from)!, to: parseDestination(to)!, namespace: 'default', version: '1' },
    { ...explainedState(mode, flags), ...known },
  )
}
