import { type ServicePort, servicePortKey } from '../../../lib/model/service-port.js'

/** Makes a service port `default/web`, 10.96.0.10:80/TCP, without other addresses; the test gives the fields that matter. */
export function makeServicePort(given: Partial<Omit<ServicePort, 'key'>> = {}): ServicePort {
  const made = {
    family: 'IPv4',
    namespace: 'default',
    name: 'web',
    portName: '',
    protocol: 'TCP',
    clusterIP: '10.96.0.10',
    port: 80,
    affinitySeconds: undefined,
    balancer: 'round-robin',
    maxConnections: undefined,
    maxConnectionsPerClient: undefined,
    internalPolicyLocal: false,
    externalPolicyLocal: false,
    nodePort: 0,
    externalIPs: [],
    loadBalancerIPs: [],
    sourceRanges: undefined,
    rangesAtNodePort: false,
    healthCheckNodePort: 0,
    createdAt: 0,
    ...given,
  } as const
  return { ...made, key: servicePortKey(made) }
}
