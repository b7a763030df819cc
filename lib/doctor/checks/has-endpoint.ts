import { type Check, IRRELEVANT, cannotLook, fine, finding, remark } from '../check.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { type EndpointView } from '../../status/endpoint-view.js'
import { type ServiceView } from '../../status/service-view.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { endpointsOfPort, hasEndpoints, portText } from '../port-text.js'

/** Each port has an endpoint, whatever the reason may be if not. */
export const HAS_ENDPOINT: Check = {
  code: 'no-endpoint',
  title: 'Endpoints',
  isEssential: true,
  follows: ['selector-matches-nothing', 'pods-not-ready', 'port-name-mismatch', 'policy-local'],
  look({ name: { namespace, name }, proxy, objects, ports, endpoints }) {
    if (!proxy.isSeen && !objects.isSeen) return cannotLook('neither a proxy nor an API server has answered')
    if (ports.length === 0) return IRRELEVANT
    const without = ports.find(port => !hasEndpoints(port) && !isDropped(port))
    if (without === undefined) {
      const apart = viewsApart(proxy, objects)
      if (apart !== undefined) return remark(apart)
      const used = new Set(endpoints.filter(({ isUsed }) => isUsed).map(({ address }) => address))
      return fine(`traffic goes to ${countOf(used.size, 'endpoint')}`)
    }
    const own = endpointsOfPort(without, endpoints)
    const proof = own.map(({ address, slice, cluster, local }) => {
      const { text } = without.internalTrafficPolicy === 'Local' ? local : cluster
      return `${address} in slice ${slice}: ${text}`
    })
    return finding(
      `No endpoint serves ${portText(without)} of ${without.family}`,
      own.length === 0 ? ['no EndpointSlice of the Service has an address of this family'] : firstOf(proof),
      [
        `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name} -o yaml`,
        `kubectl get service ${name} -n ${namespace} -o jsonpath='{.spec.selector}'`,
      ],
    )
  },
}

/** A policy Local drops packets only where other nodes have endpoints. */
function isDropped({ frontends }: ServiceView): boolean {
  return frontends.some(({ actions }) => actions?.fromPods === 'drop' || actions?.fromExternal === 'drop')
}

/** The proxy knows endpoints that the objects do not have, or the other way round. It may be about to learn of a change, and files may be old. */
function viewsApart(proxy: DoctorFacts['proxy'], objects: DoctorFacts['objects']): string | undefined {
  if (!proxy.isSeen || !objects.isSeen || proxy.value.missing !== undefined) return undefined
  if (objects.value.endpoints.length === 0 && objects.value.isFromFiles) return undefined
  const only = (these: readonly EndpointView[], those: readonly EndpointView[]): string[] => {
    const known = new Set(those.map(({ address }) => address))
    return [...new Set(these.filter(({ isUsed, address }) => isUsed && !known.has(address)).map(each => each.address))]
  }
  const gone = only(proxy.value.endpoints, objects.value.endpoints)
  const added = only(objects.value.endpoints, proxy.value.endpoints)
  if (gone.length + added.length === 0) return undefined
  const parts = [
    ...(gone.length === 0 ? [] : [`the proxy uses ${firstOf(gone).join(', ')}`]),
    ...(added.length === 0 ? [] : [`it does not know ${firstOf(added).join(', ')}`]),
  ]
  return `${parts.join(', and ')}, other than ${objects.value.origin} says: a change may be under way. If a second look says so too, the proxy does not hear of changes`
}
