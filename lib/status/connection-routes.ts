import { type InspectRequest, type InspectedProcess } from '../dataplane/inspect-request.js'
import { affinityViews } from './affinity-view.js'
import { connectionViews } from './connection-view.js'
import { listenerViews } from './listener-view.js'
import { kernelNote } from './kernel-note.js'
import { limitNote } from './limit-note.js'
import { missingNote } from './missing-note.js'
import { requireServices } from './require-services.js'
import { statusDocument } from './status-document.js'
import { readStatusQuery } from './status-query.js'
import { type StatusRoute } from './status-responder.js'
import { type StatusSources } from './status-sources.js'

/** Ended connections of an answer: as many as each process remembers. */
const ENDED_LIMIT = 1000

/** Which rows a cut answer has, if they are not the first ones. */
const CUT_TO: ReadonlyMap<InspectRequest['what'], string> = new Map([['connections', 'latest']])

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
      const notesOfServices = requireServices(sources, query)
      const { namespace, service } = query
      const limit = what === 'ended' ? Math.min(query.limit, ENDED_LIMIT) : query.limit
      // Each process has its own order of listeners: the first ones of several would not be the same.
      const limitOfProcess = what === 'listeners' ? Infinity : limit + 1
      const inspection = await sources.inspect({ what, namespace, service, limit: limitOfProcess })
      const items = make(inspection?.processes ?? [])
      const notes = [
        ...kernelNote(sources.proxy),
        ...notesOfServices,
        ...(inspection === undefined ? [] : missingNote(inspection)),
        ...(what === 'ended' ? [] : limitNote(items.length, limit, 'rows', 'one Service', CUT_TO.get(what))),
      ]
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
