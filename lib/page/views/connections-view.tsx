import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { type ConnectionView as Connection } from '../../status/connection-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { Mark, type MarkKind } from '../parts/mark.js'
import { portText } from '../parts/port-text.js'
import { Time, timeText } from '../parts/time.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'
import { ipOf } from './packet/ip-of.js'
import { packetPath, serviceDestination } from './packet/packet-path.js'

const WORDS = TEXTS.connections

const [CLIENT, SERVICE, ENDPOINT]: readonly Column<Connection>[] = [
  { title: WORDS.client, text: ({ client }) => client, isCode: true },
  { title: WORDS.service, text: portText },
  { title: WORDS.endpoint, text: ({ endpoint }) => endpoint ?? TEXTS.none, isCode: true },
]
const FOLLOW: Column<Connection> = {
  title: TEXTS.packet.column,
  text: () => '',
  cell: connection => (
    <Link href={wayOf(connection)} aria-label={TEXTS.packet.followFrom(connection.client)}>
      {TEXTS.packet.link}
    </Link>
  ),
}
const COUNTS: readonly Column<Connection>[] = [
  { title: WORDS.tries, text: ({ tries }) => countText(tries === 0 ? null : tries), isNumber: true },
  { title: WORDS.toEndpoint, text: ({ bytesToEndpoint }) => countText(bytesToEndpoint), isNumber: true },
  { title: WORDS.toClient, text: ({ bytesToClient }) => countText(bytesToClient), isNumber: true },
  FOLLOW,
]
const OPEN_COLUMNS: readonly Column<Connection>[] = [
  ...[CLIENT!, SERVICE!, ENDPOINT!],
  {
    title: WORDS.state,
    text: stateOf,
    cell: connection => <Mark kind={connection.state === 'open' ? 'good' : 'idle'}>{stateOf(connection)}</Mark>,
  },
  { title: WORDS.opened, text: ({ openedAt }) => timeText(openedAt), cell: ({ openedAt }) => <Time at={openedAt} /> },
  ...COUNTS,
]
const ENDED_COLUMNS: readonly Column<Connection>[] = [
  ...[CLIENT!, SERVICE!, ENDPOINT!],
  {
    title: WORDS.how,
    text: ({ end }) => WORDS.end(end),
    cell: connection => <Mark kind={kindOfEnd(connection)}>{WORDS.end(connection.end)}</Mark>,
  },
  {
    title: WORDS.endedAt,
    text: ({ endedAt }) => (endedAt === null ? TEXTS.none : timeText(endedAt)),
    cell: ({ endedAt }) => (endedAt === null ? TEXTS.none : <Time at={endedAt} />),
  },
  { title: WORDS.lasted, text: lastedText, isNumber: true },
  ...COUNTS,
]

/** The connections through the proxy. */
export function ConnectionsView(): JSX.Element {
  const [filter, setFilter] = useState('')
  const open = useAnswer<StatusDocument<Connection>>('/v1/connections?limit=2000')
  const ended = useAnswer<StatusDocument<Connection>>('/v1/ended-connections?limit=50')
  const table = (caption: string, columns: readonly Column<Connection>[]) => (rows: readonly Connection[]) => (
    <DataTable
      caption={caption}
      columns={columns}
      rows={rows}
      rowKey={({ pid, id }) => `${pid} ${id}`}
      filter={filter}
    />
  )
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <FilterBox value={filter} onChange={setFilter} />
      <h3>{WORDS.open}</h3>
      <Answered from={open}>{table(WORDS.open, OPEN_COLUMNS)}</Answered>
      <h3>{WORDS.ended}</h3>
      <Answered from={ended}>{table(WORDS.ended, ENDED_COLUMNS)}</Answered>
    </View>
  )
}

/** The way of a packet from the same client to the ClusterIP: the proxy does not know which address of the Service was used. */
function wayOf({ client, namespace, service: name, portName, protocol }: Connection): string {
  return packetPath(ipOf(client), serviceDestination({ namespace, name, protocol }, portName))
}

function stateOf({ state }: Connection): string {
  return state === 'dialling' ? WORDS.dialling : WORDS.isOpen
}

function kindOfEnd({ end }: Connection): MarkKind {
  if (end === 'closed' || end === 'flow-ended') return 'good'
  return end === 'refused' || end === 'reset-by-endpoint' ? 'bad' : 'warning'
}

function countText(count: number | null): string {
  return count === null ? TEXTS.none : TEXTS.number(count)
}

function lastedText({ openedAt, endedAt }: Connection): string {
  if (endedAt === null) return TEXTS.none
  const ms = Date.parse(endedAt) - Date.parse(openedAt)
  return ms < 10_000 ? WORDS.ms(ms) : WORDS.seconds(Math.round(ms / 1000))
}
