import { type Check, IRRELEVANT, cannotLook, fine, finding } from '../check.js'
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
    const without = ports.find(port => !hasEndpoints(port))
    if (without === undefined) {
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
