import { type Check, IRRELEVANT, fine, finding } from '../check.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { endpointsOfPort, portText } from '../port-text.js'

/** With a policy Local, this node has an endpoint of its own. */
export const LOCAL_POLICY: Check = {
  code: 'policy-local',
  title: 'Traffic policy',
  look({ name: { namespace, name }, ports, endpoints, proxy }) {
    const local = ports.filter(each => each.internalTrafficPolicy === 'Local' || each.externalTrafficPolicy === 'Local')
    if (ports.length === 0) return IRRELEVANT
    if (local.length === 0) return fine('endpoints on all nodes may serve (policy Cluster)')
    const dropped = local.flatMap(port =>
      port.frontends.flatMap(({ kind, actions }) =>
        actions?.fromExternal === 'drop' || actions?.fromPods === 'drop' ? [{ port, kind }] : [],
      ),
    )
    const [first] = dropped
    if (first === undefined) return fine('this node has endpoints of its own (policy Local)')
    const { port } = first
    const isInternal = dropped.some(({ kind }) => kind === 'cluster IP')
    const field = isInternal ? 'internalTrafficPolicy' : 'externalTrafficPolicy'
    const who = isInternal ? 'clients on this node' : 'clients from outside that come to this node'
    const node = proxy.isSeen ? ` "${proxy.value.overview.nodeName}"` : ''
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
