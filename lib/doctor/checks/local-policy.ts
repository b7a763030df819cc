import { type Check, IRRELEVANT, fine, finding, remark } from '../check.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { endpointsOfPort, portText } from '../port-text.js'

/** With a policy Local, this node has an endpoint of its own. */
export const LOCAL_POLICY: Check = {
  code: 'policy-local',
  title: 'Traffic policy',
  look({ name: { namespace, name }, ports, endpoints, proxy, kernel }) {
    const local = ports.filter(each => each.internalTrafficPolicy === 'Local' || each.externalTrafficPolicy === 'Local')
    if (ports.length === 0) return IRRELEVANT
    if (local.length === 0) return fine('endpoints on all nodes may serve (policy Cluster)')
    const dropped = local.flatMap(port =>
      port.frontends.flatMap(({ kind, actions }) =>
        actions?.fromExternal === 'drop' || actions?.fromPods === 'drop' ? [{ port, kind }] : [],
      ),
    )
    const clientKind = kernel.isSeen ? kernel.value.clientKind : undefined
    // Nodes without endpoints are what the policy is for: only clients that come here have a trouble.
    const concerned = dropped.filter(
      ({ kind }) => clientKind !== undefined && (clientKind === 'outside') === (kind !== 'cluster IP'),
    )
    const isConcerned = concerned.length > 0
    const shown = isConcerned ? concerned : dropped
    const [first] = shown
    if (first === undefined)
      return local.some(({ endpoints: { local: count } }) => count > 0)
        ? fine('this node has endpoints of its own (policy Local)')
        : IRRELEVANT
    const { port } = first
    const isInternal = shown.some(({ kind }) => kind === 'cluster IP')
    const field = isInternal ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
    const who = isInternal ? 'clients on this node' : 'clients from outside that come to this node'
    const node = proxy.isSeen ? ` "${proxy.value.overview.nodeName}"` : ''
    if (!isConcerned)
      return remark(
        `${field} is Local, and this node${node} has no endpoint: packets of ${who} are dropped. --from ADDRESS judges one client`,
      )
    const own = endpointsOfPort(port, endpoints)
    return finding(
      `${field} is Local, and this node${node} has no endpoint: packets of ${who} are dropped`,
      [
        `${portText(port)} has ${countOf(port.endpoints.all, 'endpoint')}, and none of them on this node`,
        ...firstOf(own.map(each => `${each.address}: ${each.local.text}`)),
      ],
      isInternal
        ? [
            `kubectl patch service ${name} -n ${namespace} -p '{"spec":{"internalTrafficPolicy":"Cluster"}}'`,
            'Or run a Pod of the Service on each node (DaemonSet)',
          ]
        : [
            `kubectl patch service ${name} -n ${namespace} -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'`,
            'Or send clients to nodes with a Pod: a load balancer finds them by healthCheckNodePort',
          ],
    )
  },
}
