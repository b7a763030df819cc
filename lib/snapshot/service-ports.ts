import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type ServiceObject } from '../model/objects.js'
import { type ServicePort, servicePortKey } from '../model/service-port.js'

const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name'
const HEADLESS_LABEL = 'service.kubernetes.io/headless'

/**
 * Why this proxy ignores a Service, in words; undefined when it serves it (kube-proxy 1.36: ShouldSkipService and the
 * selectors of its watches). Only the presence of the labels counts, not their value.
 */
export function ignoredReason(service: ServiceObject): string | undefined {
  if (service.labels[PROXY_NAME_LABEL] !== undefined) return `another proxy serves it (label ${PROXY_NAME_LABEL})`
  if (service.labels[HEADLESS_LABEL] !== undefined) return `it is headless (label ${HEADLESS_LABEL})`
  if (service.type === 'ExternalName') return 'its type is ExternalName'
  if (service.clusterIP === 'None') return 'it is headless (clusterIP "None")'
  if (service.clusterIPs.length === 0) return 'it has no cluster IP'
  return undefined
}

/** The service ports of one Service in one IP family; none when it is ignored or has no cluster IP of that family. */
export function servicePorts(service: ServiceObject, family: IpFamily, rangesAtNodePorts: boolean): ServicePort[] {
  if (ignoredReason(service) !== undefined) return []
  const clusterIP = service.clusterIPs.find(ip => familyOf(ip) === family)
  if (clusterIP === undefined) return []
  const ofFamily = (ip: IpAddress): boolean => familyOf(ip) === family
  return service.ports.map(({ name: portName, protocol, port, nodePort }) => {
    const identity = { family, namespace: service.namespace, name: service.name, portName, protocol }
    return {
      key: servicePortKey(identity),
      ...identity,
      clusterIP,
      port,
      affinitySeconds: service.affinitySeconds,
      balancer: service.balancer,
      maxConnections: service.maxConnections,
      maxConnectionsPerClient: service.maxConnectionsPerClient,
      internalPolicyLocal: service.internalPolicyLocal,
      externalPolicyLocal: service.externalPolicyLocal,
      nodePort,
      externalIPs: service.externalIPs.filter(ofFamily),
      loadBalancerIPs: service.loadBalancerIPs.filter(ofFamily),
      sourceRanges: service.sourceRanges?.filter(range => range.family === family),
      rangesAtNodePort: rangesAtNodePorts && nodePort !== 0 && service.sourceRanges !== undefined,
      healthCheckNodePort: service.healthCheckNodePort,
      createdAt: service.createdAt,
    }
  })
}
