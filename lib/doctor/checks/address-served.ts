import { hostPort } from '../../model/address.js'
import { objectKey } from '../../model/objects.js'
import { type Check, IRRELEVANT, fine, finding } from '../check.js'
import { MODE_CANNOT_SERVE } from '../../status/service-view.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'

/** The proxy knows the Service, and serves each of its addresses. */
export const ADDRESS_SERVED: Check = {
  code: 'address-not-served',
  title: 'Addresses',
  look({ name, ports, proxy, objects }) {
    const service = objects.isSeen ? objects.value.service : undefined
    if (proxy.isSeen && proxy.value.missing !== undefined && service !== undefined && service.ignored === undefined)
      return finding(
        `The proxy of this node does not know Service ${objectKey(name)}, which exists`,
        [`the proxy answers: ${proxy.value.missing}`, ...service.problems],
        ['curl -s http://127.0.0.1:10256/healthz', 'kubectl logs -n kube-system ds/kube-proxy --tail=50'],
      )
    if (ports.length === 0) return IRRELEVANT
    const all = ports.flatMap(({ frontends }) => frontends)
    const lost = all.filter(({ isServed }) => !isServed)
    if (lost.length === 0) return fine(`${countOf(all.length, 'address')} served`.replace('addresss', 'addresses'))
    const places = lost.map(({ kind, address, port }) => `${kind} ${address === null ? port : hostPort(address, port)}`)
    return finding(
      `The proxy does not serve ${firstOf(places).join(', ')}`,
      firstOf(lost.map(({ why }, index) => `${places[index]}: ${why}`)),
      lost.some(({ why }) => why !== MODE_CANNOT_SERVE)
        ? ['kubectl get services -A -o wide', 'Give one of the two Services another address or port']
        : ['Run kube-proxy in a mode that serves this protocol: --proxy-mode=iptables, or ipvs'],
    )
  },
}
