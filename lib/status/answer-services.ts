import { frontendsOf } from '../frontends/frontend.js'
import { FairTurns } from './fair-turns.js'
import { limitNote } from './limit-note.js'
import { selectPorts } from './select-ports.js'
import { type ServiceView, serviceViewer } from './service-view.js'
import { type StatusDocument, statusDocument } from './status-document.js'
import { readStatusQuery } from './status-query.js'
import { type StatusSources } from './status-sources.js'

/** The ports of Services, and what happens to packets to each address. @throws StatusQueryError */
export async function answerServices(
  sources: StatusSources,
  search: URLSearchParams,
): Promise<StatusDocument<ServiceView>> {
  const query = readStatusQuery(search)
  const { ports, notes } = selectPorts(sources, query)
  const resolved = sources.served()?.resolved
  const { frontends: served = [], conflicts = [] } = resolved ?? {}
  const viewOf = serviceViewer({ frontendsOf, served, conflicts })
  const turns = new FairTurns()
  const items: ServiceView[] = []
  for (const port of ports.slice(0, query.limit)) {
    items.push(viewOf(port))
    await turns.count(1)
  }
  const limit = limitNote(ports.length, query.limit, 'service ports')
  return statusDocument(sources.proxy, 'ServiceList', items, [...notes, ...limit])
}
