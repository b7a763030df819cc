import { objectKey } from '../../model/objects.js'
import { type Check, IRRELEVANT, fine, finding } from '../check.js'

/** A kube-proxy has a part in it. */
export const CLUSTER_IP: Check = {
  code: 'no-cluster-ip',
  title: 'Address',
  look({ name, objects, ports }) {
    const service = objects.isSeen ? objects.value.service : undefined
    if (service?.ignored === undefined) {
      const [first] = ports
      return first === undefined
        ? IRRELEVANT
        : fine(`the ClusterIP is ${[...new Set(ports.map(each => each.clusterIP))].join(', ')}`)
    }
    const key = objectKey(name)
    if (service.externalName !== '')
      return finding(
        `Service ${key} is only a name: its type is ExternalName, and kube-proxy has no part in it`,
        [`spec.externalName is ${service.externalName}: the DNS sends clients there, to the port that they choose`],
        [
          `getent hosts ${service.externalName}`,
          'For an address in the cluster, use type ClusterIP, with a selector or an EndpointSlice',
        ],
      )
    return finding(
      `kube-proxy has no part in Service ${key}: ${service.ignored}`,
      [
        'clients connect to the Pods themselves, at targetPort; spec.ports[].port has no effect',
        `its ports: ${service.ports.map(({ port, targetPort }) => `${port} (targetPort ${targetPort})`).join(', ') || 'none'}`,
      ],
      [
        `kubectl get endpointslices -n ${name.namespace} -l kubernetes.io/service-name=${name.name}`,
        'For one address and balancing, make a Service with a ClusterIP: clusterIP cannot be changed later',
      ],
    )
  },
}
