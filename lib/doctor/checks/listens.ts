import { type Check, IRRELEVANT, cannotLook, fine, finding, partialFinding, remark } from '../check.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { type EndpointProbe, MAX_PROBES } from '../probe-endpoints.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'

/** A program listens at each endpoint. */
export const LISTENS: Check = {
  code: 'nothing-listens',
  title: 'Target port',
  look(facts) {
    const { probes, ports, endpoints } = facts
    const used = endpoints.filter(({ isUsed }) => isUsed)
    if (used.length === 0) return IRRELEVANT
    const unprobed = [...new Set(used.map(({ protocol }) => protocol))].filter(protocol => protocol !== 'TCP')
    if (probes.length === 0)
      return cannotLook(`a connection cannot show whether a program listens on ${unprobed.join(' or ')}`)
    // A rule that stops the packet says nothing of the program.
    const refused = probes.filter(each => each.outcome === 'refused' && !isStopped(each, facts))
    if (refused.length === 0) {
      const opened = probes.filter(({ outcome }) => outcome === 'connected').length
      const more = used.length > MAX_PROBES ? `; of many endpoints only ${MAX_PROBES} were tried` : ''
      return fine(
        `connections from this node open to ${opened} of ${countOf(probes.length, 'endpoint')}${unprobed.length > 0 ? `; ${unprobed.join(' and ')} cannot be tried so` : ''}${more}`,
      )
    }
    const [first] = refused
    const places = [...new Set(refused.map(({ address }) => address.slice(address.lastIndexOf(':') + 1)))]
    const all = refused.length === probes.length
    return (all ? finding : partialFinding)(
      all
        ? `Nothing listens at targetPort ${places.join(', ')}: ${countOf(probes.length, 'endpoint')} ${probes.length === 1 ? 'refuses' : 'refuse'} connections`
        : `Nothing listens at ${refused.length} of ${probes.length} endpoints`,
      [
        ...firstOf(
          refused.map(({ address, code }) => `a connection from this node to ${address} was refused (${code})`),
        ),
        ...failedConnections(facts),
      ],
      [
        `kubectl exec -n ${facts.name.namespace} ${podAt(facts, first!.address)} -- ss -ltn`,
        `Have the program listen on all addresses (0.0.0.0 or ::) at this port, or correct targetPort: kubectl edit service ${facts.name.name} -n ${facts.name.namespace}`,
        'A NetworkPolicy that rejects packets of this node looks the same: try it from another Pod',
        ...(ports.length > 1 ? ['A targetPort of another port of the Service may be meant'] : []),
      ],
    )
  },
}

/** Each endpoint answers at all. */
export const ANSWERS: Check = {
  code: 'endpoint-silent',
  title: 'Pod network',
  follows: ['firewall-drops', 'conntrack-full'],
  look(facts) {
    const { probes } = facts
    if (probes.length === 0) return IRRELEVANT
    const silent = probes.filter(({ outcome }) => outcome === 'no answer' || outcome === 'failed')
    if (silent.length === 0) return fine('each endpoint answers this node')
    const verdict = `${silent.length} of ${countOf(probes.length, 'endpoint')} ${silent.length === 1 ? 'does' : 'do'} not answer this node`
    const failed = silent.filter(({ outcome }) => outcome === 'failed')
    const isAll = silent.length === probes.length
    // A NetworkPolicy that lets only Pods in drops the packets of the node, and the Service is healthy.
    if (failed.length === 0) {
      const places = firstOf(silent.map(({ address }) => address)).join(', ')
      const why = `${verdict} in time (${places}): the Pod is gone, or a NetworkPolicy or the network plug-in does not let this node reach it`
      return isAll ? cannotLook(why, true) : remark(why)
    }
    return (isAll ? finding : partialFinding)(
      verdict,
      firstOf(
        silent.map(({ address, outcome, code }) =>
          outcome === 'no answer'
            ? `no connection from this node to ${address} opened in time`
            : `a connection from this node to ${address} failed (${code})`,
        ),
      ),
      [
        `ip route get ${silent[0]!.address.replace(/:\d+$/, '').replace(/[[\]]/g, '')}`,
        'The Pod is gone, or the network plug-in or a NetworkPolicy does not let this node reach it: it is not the Service',
      ],
    )
  },
}

/** Whether a rule of this node stops the packets to the endpoint. */
function isStopped({ address }: EndpointProbe, { kernel }: DoctorFacts): boolean {
  return (
    kernel.isSeen &&
    kernel.value.endpointWalks.some(each => each.address === address && each.outcome.kind === 'stopped')
  )
}

/** What clients have met lately, where connections pass through the proxy. */
function failedConnections({ proxy }: DoctorFacts): string[] {
  const all = proxy.isSeen ? proxy.value.connections : []
  const failed = all.filter(({ end }) => end === 'refused').length
  return failed === 0 ? [] : [`of the last ${all.length} connections through the proxy, ${failed} found no endpoint`]
}

function podAt({ objects }: DoctorFacts, address: string): string {
  const pods = objects.isSeen && objects.value.pods.isSeen ? objects.value.pods.value.matching : []
  return (
    pods.find(({ ips }) => ips.some(ip => address.startsWith(`${ip}:`) || address.startsWith(`[${ip}]:`)))?.name ??
    'POD'
  )
}
