import { type Check, IRRELEVANT, cannotLook, fine, finding, partialFinding } from '../check.js'
import { countOf } from '../../explain/explain-step.js'
import { type EndpointView } from '../../status/endpoint-view.js'
import { firstOf } from '../first-of.js'

/** The Pods behind it are ready. */
export const PODS_READY: Check = {
  code: 'pods-not-ready',
  title: 'Readiness',
  look({ name: { namespace, name }, objects, endpoints, ports }) {
    const slices = `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name} -o yaml`
    const pods = objects.isSeen && objects.value.pods.isSeen ? objects.value.pods.value.matching : undefined
    const living = pods?.filter(pod => !pod.isTerminating && !ENDED.includes(pod.phase))
    // With publishNotReadyAddresses, such a Pod gets traffic.
    const unready = living?.filter(pod => !pod.isReady && !pod.ips.some(ip => isUsed(ip, endpoints))) ?? []
    const out = [...new Set(endpoints.filter(each => isUnready(each.cluster.reason)).map(({ address }) => address))]
    const used = new Set(endpoints.filter(({ isUsed }) => isUsed).map(({ address }) => address)).size
    const find = used > 0 ? partialFinding : finding
    if (unready.length > 0) {
      const first = unready[0]!.name
      return find(
        `${countOf(unready.length, 'Pod')} of ${living!.length} ${unready.length === 1 ? 'is' : 'are'} not ready`,
        firstOf(
          unready.map(pod => `Pod ${pod.name}${addressText(pod.ips)}: ${pod.why || `phase ${pod.phase || 'unknown'}`}`),
        ),
        [`kubectl describe pod ${first} -n ${namespace}`, `kubectl logs ${first} -n ${namespace}`],
      )
    }
    if (out.length > 0)
      return find(
        `${countOf(out.length, 'endpoint')} of ${out.length + used} ${out.length === 1 ? 'is' : 'are'} not ready`,
        firstOf(out.map(address => `${address} is in an EndpointSlice, and its condition ready is false`)),
        [slices, `kubectl get pods -n ${namespace} -o wide`],
      )
    if (living?.length === 0) return IRRELEVANT
    if (endpoints.length === 0 && pods === undefined)
      return ports.length === 0 ? IRRELEVANT : cannotLook('no endpoint and no Pod is known')
    return fine(pods === undefined ? `${countOf(used, 'endpoint')} ready` : `${countOf(living!.length, 'Pod')} ready`)
  },
}

/** Pods of a Job that is done. */
const ENDED = ['Succeeded', 'Failed']

function isUsed(ip: string, endpoints: readonly EndpointView[]): boolean {
  return endpoints.some(
    each => each.isUsed && (each.address.startsWith(`${ip}:`) || each.address.startsWith(`[${ip}]:`)),
  )
}

function isUnready(reason: string): boolean {
  return reason === 'not-ready'
}

function addressText(ips: readonly string[]): string {
  return ips.length === 0 ? '' : ` (${ips.join(', ')})`
}
