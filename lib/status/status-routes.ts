import { servicePortName } from '../model/service-port.js'
import { kernelNote } from './kernel-note.js'
import { limitNote } from './limit-note.js'
import { connectionRoutes } from './connection-routes.js'
import { overview } from './overview.js'
import { answerEndpoints } from './answer-endpoints.js'
import { answerExplain } from './answer-explain.js'
import { answerServices } from './answer-services.js'
import { answerRules } from './answer-rules.js'
import { STATUS_API_VERSION, statusDocument } from './status-document.js'
import { readStatusQuery } from './status-query.js'
import { type StatusRoute } from './status-responder.js'
import { type StatusSources } from './status-sources.js'
import { workerViews } from './worker-view.js'

/** The routes with few items, however large the cluster is. */
export const SMALL_ROUTES: ReadonlySet<string> = new Set(['', 'workers', 'syncs'])

/**
 * The answers of a running proxy, by the last part of their path.
 * @param streams those of answers that do not end
 */
export function statusRoutes(sources: StatusSources, streams: readonly string[]): ReadonlyMap<string, StatusRoute> {
  const { proxy } = sources
  const routes: ReadonlyMap<string, StatusRoute> = new Map<string, StatusRoute>([
    ['', search => answerOverview(sources, search, [...routes.keys(), ...streams])],
    ['services', search => answerServices(sources, search)],
    ['endpoints', search => answerEndpoints(sources, search)],
    ...connectionRoutes(sources),
    [
      'workers',
      async search => {
        readStatusQuery(search, [])
        const items = workerViews(sources.pid, await sources.counts())
        return statusDocument(proxy, 'WorkerList', items, kernelNote(sources.proxy))
      },
    ],
    [
      'rules',
      async search => {
        const { limit } = readStatusQuery(search, ['table', 'chain', 'limit'])
        const [table, chain] = [search.get('table') ?? undefined, search.get('chain') ?? undefined]
        const query = { table, chain, limit }
        const { items, hasMore } = await answerRules(await sources.readRules(), query, (...names) =>
          sources.ownsChain(...names),
        )
        return statusDocument(
          proxy,
          'RuleList',
          items,
          limitNote(items.length + Number(hasMore), limit, 'rules', 'one chain'),
        )
      },
    ],
    ['explain', search => answerExplain(sources, search)],
    [
      'syncs',
      search => {
        const { limit } = readStatusQuery(search, ['limit'])
        return statusDocument(proxy, 'SyncList', sources.syncs.syncs.slice(-limit))
      },
    ],
  ])
  return routes
}

async function answerOverview(sources: StatusSources, search: URLSearchParams, names: readonly string[]) {
  readStatusQuery(search, [])
  const { proxy, nodeName, pid, startedAt, syncs } = sources
  const ports = [...sources.snapshot().ports.values()].map(({ servicePort, usable }) => ({
    service: servicePortName({ ...servicePort, portName: '' }),
    hasEndpoints: usable.hasAny,
  }))
  const paths = names.map(name => `/${STATUS_API_VERSION}${name === '' ? '' : `/${name}`}`)
  const [state, counts] = [sources.state(), await sources.counts()]
  return overview({ proxy, nodeName, pid, startedAt, state, ports, counts, syncs: syncs.syncs, paths })
}
