import { type AffinityView } from '../../status/affinity-view.js'
import { type ConnectionView } from '../../status/connection-view.js'
import { type EndpointView } from '../../status/endpoint-view.js'
import { type ListenerView } from '../../status/listener-view.js'
import { type RuleView } from '../../status/rule-view.js'
import { type ServiceView } from '../../status/service-view.js'
import { type SyncView } from '../../status/sync-history.js'
import { type WorkerView } from '../../status/worker-view.js'
import { type TableCell } from '../../terminal/text-table.js'
import { byteText } from './byte-text.js'
import { durationText } from './duration-text.js'

/** One column of a table. */
export interface Column<Item> {
  readonly title: string
  /** Shown with `-o wide` only. */
  readonly isWide?: true
  /** @param now milliseconds since 1970 */
  readonly cell: (item: Item, now: number) => TableCell | string | number
  /** What must differ for a watch to show the row again; absent: the text of the cell. */
  readonly content?: (item: Item) => string
}

interface OfPort {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: string
}

/** Of a column that only the passing of time changes. */
const onlyTime = (): string => ''
const NONE: TableCell = { text: '-', colour: 'quiet' }
const OF_PORT: readonly Column<OfPort>[] = [
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'PORT', cell: ({ portName, protocol }) => (portName === '' ? protocol : `${portName}/${protocol}`) },
]

const SERVICES: readonly Column<ServiceView>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'CLUSTER-IP', cell: ({ clusterIP }) => clusterIP },
  {
    title: 'PORT',
    cell: ({ portName, port, protocol }) => `${portName === '' ? '' : `${portName}:`}${port}/${protocol}`,
  },
  { title: 'NODE-PORT', cell: ({ nodePort }) => (nodePort === 0 ? NONE : nodePort) },
  {
    title: 'ENDPOINTS',
    cell: ({ endpoints: { all, cluster, local } }) => {
      const used = Math.max(cluster, local)
      return { text: `${used}/${all}`, colour: used === 0 ? 'bad' : used < all ? 'warning' : 'good' }
    },
  },
  {
    title: 'AFFINITY',
    cell: ({ affinitySeconds }) => (affinitySeconds === null ? NONE : durationText(affinitySeconds * 1000)),
  },
  {
    title: 'NOT-SERVED',
    cell: ({ frontends }) => {
      const lost = frontends.filter(({ isServed }) => !isServed)
      return lost.length === 0
        ? NONE
        : { text: lost.map(({ kind, why }) => `${kind}: ${why}`).join('; '), colour: 'bad' }
    },
  },
  { title: 'BALANCER', isWide: true, cell: ({ balancer }) => balancer },
  { title: 'INTERNAL', isWide: true, cell: ({ internalTrafficPolicy }) => internalTrafficPolicy },
  { title: 'EXTERNAL', isWide: true, cell: ({ externalTrafficPolicy }) => externalTrafficPolicy },
  {
    title: 'ADDRESSES',
    isWide: true,
    cell: ({ frontends }) => frontends.map(({ address, port }) => `${address ?? '*'}:${port}`).join(','),
  },
]
const ENDPOINTS: readonly Column<EndpointView>[] = [
  ...OF_PORT,
  { title: 'ENDPOINT', cell: ({ address }) => address },
  { title: 'OPEN', cell: ({ open }) => open ?? NONE },
  {
    title: 'STATE',
    cell: ({ isUsed, ejected }) => {
      if (!isUsed) return { text: 'out', colour: 'warning' }
      const longest = Math.max(...ejected.map(({ forMs }) => forMs))
      return ejected.length === 0
        ? { text: 'in', colour: 'good' }
        : { text: `ejected ${durationText(longest)}`, colour: 'bad' }
    },
    content: ({ isUsed, ejected }) => (!isUsed ? 'out' : ejected.length === 0 ? 'in' : 'ejected'),
  },
  { title: 'SLICE', isWide: true, cell: ({ slice }) => slice },
  { title: 'LOCAL TRAFFIC', isWide: true, cell: ({ local }) => local.text },
  { title: 'WHY', cell: ({ cluster, local }) => (cluster.reason === 'no-such-traffic' ? local.text : cluster.text) },
]
const LISTENERS: readonly Column<ListenerView>[] = [
  ...OF_PORT,
  { title: 'ADDRESS', cell: ({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}` },
  { title: 'OPEN', cell: ({ processes }) => processes.reduce((sum, { open }) => sum + open, 0) },
  { title: 'PROCESSES', cell: ({ processes }) => processes.map(({ pid }) => pid).join(',') },
  { title: 'WHY', isWide: true, cell: ({ why }) => why },
  { title: 'FOR', cell: ({ frontends }) => (frontends.length === 0 ? NONE : frontends.join(', ')) },
]
const CONNECTIONS: readonly Column<ConnectionView>[] = [
  { title: 'CLIENT', cell: ({ client }) => client },
  ...OF_PORT,
  { title: 'ENDPOINT', cell: ({ endpoint }) => endpoint ?? NONE },
  {
    title: 'STATE',
    cell: ({ state, end }) => {
      if (end === null) return state
      return { text: end, colour: end === 'closed' || end === 'flow-ended' ? 'good' : 'bad' }
    },
  },
  {
    title: 'AGE',
    cell: ({ openedAt, endedAt }, now) =>
      durationText((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(openedAt)),
    content: onlyTime,
  },
  {
    title: 'TRIES',
    cell: ({ tries }) => (tries === 0 ? NONE : { text: String(tries), colour: tries > 1 ? 'warning' : undefined }),
  },
  { title: 'SENT', cell: ({ bytesToEndpoint }) => (bytesToEndpoint === null ? NONE : byteText(bytesToEndpoint)) },
  { title: 'RECEIVED', cell: ({ bytesToClient }) => (bytesToClient === null ? NONE : byteText(bytesToClient)) },
  { title: 'PROCESS', isWide: true, cell: ({ pid }) => pid },
  { title: 'OPENED', isWide: true, cell: ({ openedAt }) => openedAt, content: onlyTime },
]
const AFFINITY: readonly Column<AffinityView>[] = [
  { title: 'CLIENT', cell: ({ client }) => client },
  ...OF_PORT,
  { title: 'ENDPOINT', cell: ({ endpoint }) => endpoint },
  { title: 'ENDS-IN', cell: ({ expiresAt }, now) => durationText(Date.parse(expiresAt) - now), content: onlyTime },
]
const RULES: readonly Column<RuleView>[] = [
  { title: 'FAMILY', isWide: true, cell: ({ family }) => family },
  { title: 'TABLE', cell: ({ table }) => table },
  { title: 'CHAIN', cell: ({ chain }) => chain },
  { title: 'NUM', cell: ({ position }) => position },
  { title: 'PACKETS', cell: ({ packets }) => packets ?? NONE },
  { title: 'RULE', isWide: true, cell: ({ rule }) => rule },
  { title: 'MEANING', cell: ({ sentence }) => sentence },
]
const WORKERS: readonly Column<WorkerView>[] = [
  { title: 'PID', cell: ({ pid }) => pid },
  { title: 'ROLE', cell: ({ role, worker }) => (worker === null ? role : `${role} ${worker}`) },
  { title: 'SOCKETS', cell: ({ holdsSockets }) => (holdsSockets ? 'yes' : NONE) },
]
const SYNCS: readonly Column<SyncView>[] = [
  { title: 'AGE', cell: ({ at }, now) => durationText(now - Date.parse(at)), content: onlyTime },
  { title: 'FAMILY', cell: ({ family }) => family },
  { title: 'OUTCOME', cell: ({ outcome }) => ({ text: outcome, colour: outcome === 'done' ? 'good' : 'bad' }) },
  { title: 'TOOK', cell: ({ durationMs }) => (durationMs === null ? NONE : `${durationMs} ms`) },
  {
    title: 'RULES',
    cell: ({ rules }) => (rules.length === 0 ? NONE : rules.reduce((sum, { owned }) => sum + owned, 0)),
  },
  { title: 'EXTENT', isWide: true, cell: ({ extent }) => extent },
  {
    title: 'CHANGED',
    cell: ({ changed, changedCount }) => {
      if (changedCount === 0) return NONE
      const more = changedCount - changed.length
      return changed.join(' ') + (more > 0 ? ` and ${more} more` : '')
    },
  },
]

/** A kind of things that the command shows. */
export interface StatusKind {
  /** The last part of the path in the API. */
  readonly resource: string
  readonly columns: readonly Column<never>[]
  /** Whether the things are those of Services, which have namespaces. */
  readonly hasNamespaces: boolean
  /** Whether there may be so many that an answer has only the first ones. */
  readonly hasLimit: boolean
  /** The fields that distinguish one thing from others of its kind. */
  readonly key: readonly string[]
  /** The fields that only the passing of time changes, or by how much the clocks of two processes differ; absent: none. */
  readonly times?: readonly string[]
}

/** Each answer computes them from how long ago it was. */
const TIMES = ['openedAt', 'endedAt']
const PORT_KEY = ['namespace', 'service', 'portName', 'protocol']
const ofServices = (
  resource: string,
  columns: readonly Column<never>[],
  key: readonly string[],
  times: readonly string[] = [],
): StatusKind => ({
  ...{ resource, columns, hasNamespaces: true, hasLimit: true, key, times },
})

/** By the word of the command line. */
export const STATUS_KINDS: ReadonlyMap<string, StatusKind> = new Map<string, StatusKind>([
  ['services', ofServices('services', SERVICES, ['family', 'namespace', 'name', 'portName', 'protocol'])],
  ['endpoints', ofServices('endpoints', ENDPOINTS, [...PORT_KEY, 'family', 'slice', 'address'], ['forMs'])],
  ['listeners', ofServices('listeners', LISTENERS, [...PORT_KEY, 'address', 'port'])],
  ['connections', ofServices('connections', CONNECTIONS, ['pid', 'id'], TIMES)],
  ['ended', ofServices('ended-connections', CONNECTIONS, ['pid', 'id'], TIMES)],
  ['affinity', ofServices('affinity', AFFINITY, [...PORT_KEY, 'client'], ['expiresAt'])],
  [
    'rules',
    {
      ...{ resource: 'rules', columns: RULES, hasNamespaces: false, hasLimit: true },
      key: ['family', 'table', 'chain', 'position'],
    },
  ],
  ['workers', { resource: 'workers', columns: WORKERS, hasNamespaces: false, hasLimit: false, key: ['pid'] }],
  ['syncs', { resource: 'syncs', columns: SYNCS, hasNamespaces: false, hasLimit: true, key: ['id'] }],
])

/** What a column says, as a cell. */
export function toCell(cell: TableCell | string | number): TableCell {
  return typeof cell === 'object' ? cell : { text: String(cell) }
}
