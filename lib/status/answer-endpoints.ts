import { type Inspection, portNameOf } from '../dataplane/inspect-request.js'
import { type ServicePort } from '../model/service-port.js'
import { type EndpointsExplanation } from '../snapshot/explain-endpoints.js'
import { endpointStates } from './endpoint-state.js'
import { type EndpointView, endpointViews } from './endpoint-view.js'
import { FairTurns } from './fair-turns.js'
import { limitNote } from './limit-note.js'
import { missingNote } from './missing-note.js'
import { selectPorts } from './select-ports.js'
import { type StatusDocument, statusDocument } from './status-document.js'
import { readStatusQuery } from './status-query.js'
import { type StatusSources } from './status-sources.js'

/** Every endpoint of each service port, and why traffic uses it or not. @throws StatusQueryError */
export async function answerEndpoints(
  sources: StatusSources,
  search: URLSearchParams,
): Promise<StatusDocument<EndpointView>> {
  const query = readStatusQuery(search)
  const { ports, notes } = selectPorts(sources, query)
  const turns = new FairTurns()
  const explained: { readonly servicePort: ServicePort; readonly explanation: EndpointsExplanation }[] = []
  let count = 0
  for (const { servicePort } of ports) {
    const explanation = sources.explainEndpoints(servicePort)
    explained.push({ servicePort, explanation })
    count += explanation.endpoints.length
    if (count > query.limit) break
    // A service port without endpoints costs time too.
    await turns.count(1 + explanation.endpoints.length)
  }
  const inspection = await inspectPorts(
    sources,
    explained.map(({ servicePort }) => servicePort),
  )
  const stateOf = endpointStates(inspection?.processes ?? [])
  const items: EndpointView[] = []
  for (const { servicePort, explanation } of explained) {
    for (const view of endpointViews(servicePort, explanation, address => stateOf(servicePort, address)))
      items.push(view)
    await turns.count(1 + explanation.endpoints.length)
  }
  const limit = limitNote(items.length, query.limit, 'endpoints')
  return statusDocument(sources.proxy, 'EndpointList', items.slice(0, query.limit), [
    ...(inspection === undefined ? [] : missingNote(inspection)),
    ...notes,
    ...limit,
  ])
}

/** What the sockets know of the endpoints of these ports. Undefined: the kernel serves them. */
function inspectPorts(sources: StatusSources, ports: readonly ServicePort[]): Promise<Inspection> | undefined {
  const names = ports.map(({ namespace, name: service, portName, protocol }) =>
    portNameOf({ namespace, service, portName, protocol }),
  )
  const request = { namespace: undefined, service: undefined, ports: new Set(names), limit: Infinity }
  return sources.inspect({ what: 'endpoints', ...request })
}
