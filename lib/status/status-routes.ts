import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Inspection, portNameOf } from '../dataplane/inspect-request.js'
import { frontendsOf } from '../frontends/frontend.js'
import { type ServedPort } from '../model/snapshot.js'
import { servicePortName } from '../model/service-port.js'
import { kernelNote } from './kernel-note.js'
import { limitNote } from './limit-note.js'
import { missingNote } from './missing-note.js'
import { requireServices } from './require-services.js'
import { connectionRoutes } from './connection-routes.js'
import { endpointStates } from './endpoint-state.js'
import { type EndpointView, endpointViews } from './endpoint-view.js'
import { overview } from './overview.js'
import { ruleViews } from './rule-view.js'
import { serviceViews } from './service-view.js'
import { STATUS_API_VERSION, statusDocument } from './status-document.js'
import { type StatusQuery, isAskedFor, readStatusQuery } from './status-query.js'
import { unknownName } from './status-query-error.js'
import { type StatusRoute } from './status-server.js'
import { type StatusSources } from './status-sources.js'
import { workerViews } from './worker-view.js'

/** Service ports that are explained before the control process does its other work. */
const PORTS_PER_TURN = 100

/** The answers of a running proxy, by the last part of their path. */
export function statusRoutes(sources: StatusSources): ReadonlyMap<string, StatusRoute> {
  const { proxy } = sources
  const routes: ReadonlyMap<string, StatusRoute> = new Map<string, StatusRoute>([
    ['', search => answerOverview(sources, search, [...routes.keys()])],
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
    ['rules', search => answerRules(sources, search)],
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

function answerServices(sources: StatusSources, search: URLSearchParams) {
  const { ports, notes } = selectPorts(sources, readStatusQuery(search))
  const resolved = sources.served()?.resolved
  const items = serviceViews({
    ports,
    frontendsOf,
    served: resolved?.frontends ?? [],
    conflicts: resolved?.conflicts ?? [],
  })
  return statusDocument(sources.proxy, 'ServiceList', items, notes)
}

async function answerEndpoints(sources: StatusSources, search: URLSearchParams) {
  const query = readStatusQuery(search)
  const { ports, notes } = selectPorts(sources, query)
  const inspection = await inspectPorts(sources, ports)
  const stateOf = endpointStates(inspection?.processes ?? [])
  const items: EndpointView[] = []
  for (const [index, { servicePort }] of ports.entries()) {
    if (index % PORTS_PER_TURN === PORTS_PER_TURN - 1) await nextTurn()
    items.push(
      ...endpointViews(servicePort, sources.explainEndpoints(servicePort), address => stateOf(servicePort, address)),
    )
  }
  const missing = inspection === undefined ? [] : missingNote(inspection)
  return statusDocument(sources.proxy, 'EndpointList', items, [...missing, ...notes])
}

/** What the sockets know of the endpoints of these ports. */
function inspectPorts(sources: StatusSources, ports: readonly ServedPort[]): Promise<Inspection> | undefined {
  const names = ports.map(({ servicePort: { namespace, name: service, portName, protocol } }) =>
    portNameOf({ namespace, service, portName, protocol }),
  )
  const request = { namespace: undefined, service: undefined, ports: new Set(names), limit: Infinity }
  return sources.inspect({ what: 'endpoints', ...request })
}

async function answerRules(sources: StatusSources, search: URLSearchParams) {
  const { limit } = readStatusQuery(search, ['table', 'chain', 'limit'])
  const [table, chain] = [search.get('table') ?? undefined, search.get('chain') ?? undefined]
  const isOwned = (ofTable: string, name: string): boolean => sources.ownsChain(ofTable, name)
  const read = await sources.readRules()
  const all = read.flatMap(([family, rules]) => ruleViews(family, rules, isOwned))
  const tables = [...new Set(all.map(rule => rule.table))]
  if (table !== undefined && !tables.includes(table)) throw unknownName('table with rules of this proxy', table, tables)
  const inTable = all.filter(rule => rule.table === (table ?? rule.table))
  const chains = [...new Set(inTable.map(rule => rule.chain))]
  if (chain !== undefined && !chains.includes(chain)) throw unknownName('chain with rules of this proxy', chain, chains)
  const items = inTable.filter(rule => rule.chain === (chain ?? rule.chain))
  return statusDocument(sources.proxy, 'RuleList', items.slice(0, limit), limitNote(items.length, limit, 'rules'))
}

/** The service ports that a request asks for, in the order of their names. @throws StatusQueryError */
function selectPorts(sources: StatusSources, query: StatusQuery) {
  const all = [...sources.snapshot().ports.values()]
  requireServices(sources, query)
  const asked = all.filter(({ servicePort }) => isAskedFor(query, servicePort)).sort(byName)
  return { ports: asked.slice(0, query.limit), notes: limitNote(asked.length, query.limit, 'service ports') }
}

function byName({ servicePort: a }: ServedPort, { servicePort: b }: ServedPort): number {
  return a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name) || a.key.localeCompare(b.key)
}
