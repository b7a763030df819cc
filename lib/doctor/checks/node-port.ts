import { hostPort } from '../../model/address.js'
import { type Check, IRRELEVANT, cannotLook, fine, partialFinding } from '../check.js'

/** A node port is served at the main address of the node. */
export const NODE_PORT: Check = {
  code: 'node-port-not-here',
  title: 'Node port',
  follows: ['no-rule'],
  look({ kernel, ports }) {
    if (!ports.some(({ nodePort }) => nodePort !== 0)) return IRRELEVANT
    if (!kernel.isSeen) return cannotLook(kernel.why)
    const walks = kernel.value.walks.filter(({ kind, from }) => kind === 'node port' && from === 'outside')
    if (walks.length === 0) return cannotLook('no client from outside can be served here')
    const lost = walks.filter(({ outcome }) => outcome.kind === 'untranslated')
    const served = [...new Set(walks.filter(({ outcome }) => outcome.kind === 'served').map(({ address }) => address))]
    const main = lost.find(({ isMain }) => isMain)
    if (main === undefined) {
      const others = [...new Set(lost.map(({ address }) => address))]
      return fine(`served at ${served.join(', ')}${others.length === 0 ? '' : `, and not at ${others.join(', ')}`}`)
    }
    return partialFinding(
      `Node port ${main.port} is not served at ${main.address}, the main address of this node`,
      [
        `a packet of ${main.sender} to ${hostPort(main.address, main.port)} meets no rule of the proxy`,
        served.length === 0 ? 'it is served at no address of this node' : `it is served at ${served.join(', ')}`,
      ],
      [
        'curl -s http://127.0.0.1:10249/configz',
        `Add the address to --nodeport-addresses (nodePortAddresses in the file), such as ${main.address}/${main.address.includes(':') ? 128 : 32}`,
      ],
    )
  },
}

/** The load balancer has given the Service an address. */
export const LOAD_BALANCER: Check = {
  code: 'load-balancer-pending',
  title: 'Load balancer',
  look({ name, objects }) {
    if (!objects.isSeen) return cannotLook(objects.why)
    const { service } = objects.value
    if (service?.type !== 'LoadBalancer') return IRRELEVANT
    const { ingress, ports } = service
    if (ingress.length > 0) return fine(`its address is ${ingress.join(', ')}`)
    return partialFinding(
      'No load balancer has given the Service an address: EXTERNAL-IP is pending',
      [
        `status.loadBalancer.ingress is empty; ports ${ports.map(({ port }) => port).join(', ')} are served inside the cluster only`,
      ],
      [
        `kubectl describe service ${name.name} -n ${name.namespace}`,
        'Install a load balancer for this cluster (a cloud provider has one), or use a node port',
      ],
    )
  },
}
