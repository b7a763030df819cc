import { type Overview } from '../../status/overview.js'
import { type TerminalStyle } from '../../terminal/terminal-style.js'
import { type TableCell, TextTable } from '../../terminal/text-table.js'
import { durationText } from './duration-text.js'
import { type Column, type StatusKind } from './status-kinds.js'

/** What a page shows. */
export interface StatusPageOptions {
  readonly kind: StatusKind
  readonly isWide: boolean
  /** Whether a column says the namespace. */
  readonly showsNamespace: boolean
  readonly style: TerminalStyle
}

/** The table of one kind of things. When it is asked again, it gives only the rows that are new or different. */
export class StatusPage {
  readonly #columns: readonly Column<never>[]
  readonly #clocks: readonly string[]
  readonly #table: TextTable
  #known: ReadonlySet<string> = new Set()
  #hasHead = false

  constructor({ kind, isWide, showsNamespace, style }: StatusPageOptions) {
    const namespace: Column<{ readonly namespace: string }> = { title: 'NAMESPACE', cell: item => item.namespace }
    const shown = kind.columns.filter(column => isWide || column.isWide !== true)
    this.#columns = kind.hasNamespaces && showsNamespace ? [namespace, ...shown] : shown
    this.#clocks = kind.clocks
    this.#table = new TextTable(style)
  }

  /** The lines for items. @param now milliseconds since 1970 */
  lines(items: readonly unknown[], now: number): string[] {
    const rows = items.map(item => {
      const cells = this.#columns.map(({ cell }) => toCell(cell(item as never, now)))
      return { cells, identity: this.#identityOf(cells) }
    })
    const fresh = rows.filter(({ identity }) => !this.#known.has(identity)).map(({ cells }) => cells)
    this.#known = new Set(rows.map(({ identity }) => identity))
    const head = this.#hasHead || fresh.length === 0 ? [] : [this.#columns.map(({ title }) => ({ text: title }))]
    this.#hasHead ||= head.length > 0
    return this.#table.format([...head, ...fresh])
  }

  /** What must differ for a row to be shown again: not a time that passes. */
  #identityOf(cells: readonly TableCell[]): string {
    return cells
      .filter((_cell, index) => !this.#clocks.includes(this.#columns[index]!.title))
      .map(({ text }) => text)
      .join('\u0000')
  }
}

/** The lines of the overview. @param now milliseconds since 1970 */
export function overviewLines(overview: Overview, style: TerminalStyle, now: number): string[] {
  const { mode, carriedBy, proxyVersion, pid, nodeName, startedAt, state, isHealthy, problems, traffic, lastSync } =
    overview
  const carrier = carriedBy === 'sockets' ? 'sockets of the proxy carry connections' : 'the kernel carries connections'
  const rows: (readonly [string, TableCell | string])[] = [
    ['NODE', nodeName],
    ['PROXY', `version ${proxyVersion}, process ${pid}, up ${durationText(now - Date.parse(startedAt))}`],
    ['MODE', `${mode}: ${carrier}`],
    ['STATE', { text: state, colour: state === 'serving' ? 'good' : 'warning' }],
    [
      'HEALTH',
      isHealthy ? { text: 'healthy', colour: 'good' } : { text: ['unhealthy', ...problems].join('; '), colour: 'bad' },
    ],
    ['SERVICES', `${overview.services} with ${overview.servicePorts} ports`],
    ...withoutEndpoints(overview.portsWithoutEndpoints),
    ...(traffic === null ? [] : trafficRows(traffic)),
    [
      'LAST SYNC',
      lastSync === null ? 'none' : `${durationText(now - Date.parse(lastSync.at))} ago, ${lastSync.outcome}`,
    ],
  ]
  return new TextTable(style).format(rows.map(([title, cell]) => [{ text: title, colour: 'quiet' }, toCell(cell)]))
}

function withoutEndpoints(count: number): (readonly [string, TableCell])[] {
  return count === 0
    ? []
    : [['NO ENDPOINTS', { text: `${count} ports: kube-proxy status endpoints -A says why`, colour: 'warning' }]]
}

function trafficRows({ workers, connections, open, refused, dialFailures, ejected }: NonNullable<Overview['traffic']>) {
  return [
    ['WORKERS', workers === 0 ? 'none: the control process holds the sockets' : String(workers)],
    ['CONNECTIONS', `${open} open, ${connections} since the start, ${refused} refused`],
    ['ENDPOINTS', `${ejected} ejected now, ${dialFailures} attempts failed since the start`],
  ] as const
}

function toCell(cell: TableCell | string | number): TableCell {
  return typeof cell === 'object' ? cell : { text: String(cell) }
}
