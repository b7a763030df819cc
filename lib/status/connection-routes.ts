import { type InspectRequest, type InspectedProcess } from '../dataplane/inspect-request.js'
import { affinityViews } from './affinity-view.js'
import { connectionViews } from './connection-view.js'
import { listenerViews } from './listener-view.js'
import { kernelNote } from './kernel-note.js'
import { limitNote } from './limit-note.js'
import { requireServices } from './require-services.js'
import { statusDocument } from './status-document.js'
import { type StatusQuery, readStatusQuery } from './status-query.js'
import { type StatusRoute } from './status-server.js'
import { type StatusSources } from './status-sources.js'

/** Ended connections of an answer: as many as each process remembers. */
const ENDED_LIMIT = 1000

/** The answers about sockets and connections. The processes that hold them are asked when a client asks. */
export function connectionRoutes(sources: StatusSources): ReadonlyMap<string, StatusRoute> {
  /** One list; in a kernel mode it is empty and says why. */
  const route =
    (
      kind: string,
      what: InspectRequest['what'],
      make: (processes: readonly InspectedProcess[]) => object[],
    ): StatusRoute =>
    async search => {
      const query = readStatusQuery(search)
      requireServices(sources, query)
      const limit = what === 'ended' ? Math.min(query.limit, ENDED_LIMIT) : query.limit
      const items = make((await inspect(sources, query, what)) ?? [])
      const notes = [...kernelNote(sources.proxy), ...(what === 'ended' ? [] : limitNote(items.length, limit, 'rows'))]
      return statusDocument(sources.proxy, kind, items.slice(0, limit), notes)
    }
  return new Map([
    [
      'listeners',
      route('ListenerList', 'listeners', processes => listenerViews(processes, sources.frontendsByListener())),
    ],
    [
      'connections',
      route('ConnectionList', 'connections', processes => connectionViews(processes, sources.wallTime())),
    ],
    [
      'ended-connections',
      route('ConnectionList', 'ended', processes => connectionViews(processes, sources.wallTime())),
    ],
    ['affinity', route('AffinityList', 'affinity', processes => affinityViews(processes, sources.wallTime()))],
  ])
}

/** Undefined in a kernel mode. One row more than the limit shows that there are more. */
export function inspect(
  sources: StatusSources,
  { namespace, service, limit }: StatusQuery,
  what: InspectRequest['what'],
): Promise<readonly InspectedProcess[]> | undefined {
  return sources.inspect({ what, namespace, service, limit: limit + 1 })
}
