import { frontendsOf } from '../frontends/frontend.js'
import { type ServedPort } from '../model/snapshot.js'
import { limitNote } from './limit-note.js'
import { selectPorts } from './select-ports.js'
import { type ServiceView, serviceViewer } from './service-view.js'
import { type StatusDocument, statusDocument } from './status-document.js'
import { readStatusQuery } from './status-query.js'
import { type StatusSources } from './status-sources.js'

/**
 * The ports of Services, and what happens to packets to each address. Each view is made when it is read: thousands that exist at the same
 * time outlive young collections of the JavaScript engine, and a page that asks again and again fills the memory with them.
 * @throws StatusQueryError
 */
export function answerServices(
  sources: StatusSources,
  search: URLSearchParams,
): StatusDocument<ServiceView, Iterable<ServiceView>> {
  const query = readStatusQuery(search)
  const { ports, notes } = selectPorts(sources, query)
  const resolved = sources.served()?.resolved
  const { frontends: served = [], conflicts = [] } = resolved ?? {}
  const viewOf = serviceViewer({ frontendsOf, served, conflicts })
  const limit = limitNote(ports.length, query.limit, 'service ports')
  const items = viewsOf(ports.slice(0, query.limit), viewOf)
  return statusDocument(sources.proxy, 'ServiceList', items, [...notes, ...limit])
}

function* viewsOf(ports: readonly ServedPort[], viewOf: (port: ServedPort) => ServiceView): Iterable<ServiceView> {
  for (const port of ports) yield viewOf(port)
}
