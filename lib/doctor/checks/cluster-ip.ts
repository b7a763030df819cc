import { objectKey } from '../../model/objects.js'
import { type Check, IRRELEVANT, fine, remark } from '../check.js'

/** A kube-proxy has a part in it. */
export const CLUSTER_IP: Check = {
  code: 'no-cluster-ip',
  title: 'Address',
  look({ name, objects, ports: served }) {
    const service = objects.isSeen ? objects.value.service : undefined
    if (service?.ignored === undefined) {
      const [first] = served
      return first === undefined
        ? IRRELEVANT
        : fine(`the ClusterIP is ${[...new Set(served.map(each => each.clusterIP))].join(', ')}`)
    }
    const key = objectKey(name)
    if (service.externalName !== '')
      return remark(
        `Service ${key} is only a name: its type is ExternalName, and the DNS sends clients to ${service.externalName}, at the port that they choose. kube-proxy has no part in it`,
      )
    const ports = service.ports.map(({ port, targetPort }) => `${port} (targetPort ${targetPort})`).join(', ')
    if (service.isHeadless)
      return remark(
        `Service ${key} is headless: clients connect to the Pods themselves, at targetPort, and spec.ports[].port has no effect. Its ports: ${ports || 'none'}. kube-proxy has no part in it`,
      )
    return remark(
      `kube-proxy has no part in Service ${key}: ${service.ignored}. What serves it instead is not looked at. Its ports: ${ports || 'none'}`,
    )
  },
}
