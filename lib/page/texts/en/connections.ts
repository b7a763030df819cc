import { type ConnectionView } from '../../../status/connection-view.js'
import { numberFormat } from '../number-format.js'

type End = NonNullable<ConnectionView['end']>

const number = numberFormat('en')

/** How a connection ended, and who ended it. */
const ENDS: Readonly<Record<End, string>> = {
  closed: 'closed by both sides',
  'reset-by-client': 'reset by the client',
  'reset-by-endpoint': 'reset by the Pod',
  'ended-by-proxy': 'ended by the proxy',
  refused: 'refused: no Pod took it',
  'client-left': 'the client left before a Pod took it',
  'flow-ended': 'no more datagrams',
}

/** Texts of the view of sockets. */
export const LISTENERS = {
  title: 'Who listens where',
  about:
    'The sockets of the proxy. No interface has a ClusterIP: rules lead packets from the addresses of a Service to its socket.',
  socket: 'Socket',
  notOpen: 'not open yet',
  state: 'State',
  listening: 'listening',
  closed: 'closed',
  service: 'Service port',
  frontends: 'Addresses that lead here',
  why: 'Why',
  processes: 'Processes',
  process: (worker: number | null, pid: number, open: number) =>
    `${worker === null ? 'control process' : `worker ${worker}`} (${pid}): ${number(open)} open`,
}

/** Texts of the view of connections. */
export const CONNECTIONS = {
  title: 'Connections',
  about: 'TCP connections and UDP flows through the sockets of the proxy: open now, and the last 50 that ended.',
  open: 'Open',
  ended: 'The last 50 that ended',
  client: 'Client',
  service: 'Service port',
  endpoint: 'Pod',
  opened: 'Opened',
  endedAt: 'Ended',
  lasted: 'Lasted',
  ms: (ms: number) => `${number(ms)} ms`,
  seconds: (seconds: number) => `${number(seconds)} s`,
  state: 'State',
  dialling: 'connecting',
  isOpen: 'open',
  how: 'How it ended',
  end: (end: End | null) => (end === null ? '' : ENDS[end]),
  tries: 'Pods tried',
  toEndpoint: 'Bytes to Pod',
  toClient: 'Bytes to client',
}
