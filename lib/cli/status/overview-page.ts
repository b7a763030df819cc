import { type Overview } from '../../status/overview.js'
import { type TerminalStyle } from '../../terminal/terminal-style.js'
import { type TableCell, TextTable } from '../../terminal/text-table.js'
import { ChangedRows } from './changed-rows.js'
import { durationText } from './duration-text.js'
import { toCell } from './status-kinds.js'

interface OverviewRow {
  readonly title: string
  readonly cell: TableCell | string
  /** What must differ for the row to be shown again; absent: its text. */
  readonly content?: string
}

/** The proxy at a glance. When it is asked again, it gives only the lines that are different. */
export class OverviewPage {
  readonly #table: TextTable
  readonly #rows = new ChangedRows()

  constructor(style: TerminalStyle) {
    this.#table = new TextTable(style)
  }

  /** The lines. @param now milliseconds since 1970 */
  lines(overview: Overview, now: number): string[] {
    const rows = overviewRows(overview, now).map(({ title, cell, content = toCell(cell).text }) => ({
      ...{ key: title, content },
      cells: [{ text: title, colour: 'quiet' as const }, toCell(cell)],
    }))
    return this.#table.format(this.#rows.next(rows).map(({ cells }) => cells))
  }
}

function overviewRows(overview: Overview, now: number): readonly OverviewRow[] {
  const { mode, carriedBy, proxyVersion, pid, nodeName, startedAt, state, isHealthy, problems, traffic, lastSync } =
    overview
  const carrier = carriedBy === 'sockets' ? 'sockets of the proxy carry connections' : 'the kernel carries connections'
  return [
    { title: 'NODE', cell: nodeName },
    {
      title: 'PROXY',
      cell: `version ${proxyVersion}, process ${pid}, up ${durationText(now - Date.parse(startedAt))}`,
      content: `${proxyVersion} ${pid}`,
    },
    { title: 'MODE', cell: `${mode}: ${carrier}` },
    { title: 'STATE', cell: { text: state, colour: state === 'serving' ? 'good' : 'warning' } },
    {
      title: 'HEALTH',
      cell: isHealthy
        ? { text: 'healthy', colour: 'good' }
        : { text: ['unhealthy', ...problems].join('; '), colour: 'bad' },
    },
    { title: 'SERVICES', cell: `${overview.services} with ${overview.servicePorts} ports` },
    ...withoutEndpoints(overview.portsWithoutEndpoints),
    ...(traffic === null ? [] : trafficRows(traffic)),
    {
      title: 'LAST SYNC',
      cell: lastSync === null ? 'none' : `${durationText(now - Date.parse(lastSync.at))} ago, ${lastSync.outcome}`,
      content: String(lastSync?.id),
    },
  ]
}

function withoutEndpoints(count: number): readonly OverviewRow[] {
  const text = `${count} ports: kube-proxy status endpoints -A says why`
  return count === 0 ? [] : [{ title: 'NO ENDPOINTS', cell: { text, colour: 'warning' } }]
}

function trafficRows({
  workers,
  connections,
  open,
  refused,
  dialFailures,
  ejected,
}: NonNullable<Overview['traffic']>): readonly OverviewRow[] {
  return [
    { title: 'WORKERS', cell: workers === 0 ? 'none: the control process holds the sockets' : String(workers) },
    { title: 'CONNECTIONS', cell: `${open} open, ${connections} since the start, ${refused} refused` },
    { title: 'ENDPOINTS', cell: `${ejected} ejected now, ${dialFailures} attempts failed since the start` },
  ]
}
