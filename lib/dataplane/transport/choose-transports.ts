import { messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { DgramTransport } from './dgram-transport.js'
import { NetTransport } from './net-transport.js'
import { probeTcpTransport } from './probe-tcp-transport.js'
import { probeUdpTransport } from './probe-udp-transport.js'
import { type TcpTransport } from './tcp-transport.js'
import { type UdpTransport } from './udp-transport.js'

/** Versions of Node, by their first number, with which the fast path was tested: others may even end the process when probed. */
const TESTED_NODE_MAJORS = { from: 20, to: 26 }
const PROBE_TIMEOUT_MS = 3000

/** How TCP and UDP are done. */
export interface Transports {
  readonly transport: TcpTransport
  readonly udpTransport: UdpTransport
}

export interface FastPathOptions {
  /** The version of Node, as in `process.version`. */
  readonly nodeVersion: string
  readonly openTcp: () => Promise<TcpTransport>
  readonly openUdp: () => Promise<UdpTransport>
}

const DEFAULT_FAST_PATH: FastPathOptions = {
  nodeVersion: process.version,
  // Loaded late: these files reach for what may not be there.
  openTcp: async () => new (await import('./tcp-handle-transport.js')).TcpHandleTransport(),
  openUdp: async () => new (await import('./udp-handle-transport.js')).UdpHandleTransport(),
}

/**
 * The ways TCP and UDP are done from now on: the fast path where this version of Node has what it needs, and it works as it should;
 * the public API otherwise, which is said in the log. One may take the one, and the other the other.
 */
export async function chooseTransports(
  fastPath: 'auto' | 'off',
  log: Log,
  { nodeVersion, openTcp, openUdp }: FastPathOptions = DEFAULT_FAST_PATH,
): Promise<Transports> {
  const publicTransports = { transport: new NetTransport(), udpTransport: new DgramTransport() }
  if (fastPath === 'off') return publicTransports
  const warn = (protocols: string, reason: string): void =>
    log.warn(`${protocols} takes Node's public API, which costs more`, { reason })
  const major = Number(/^v(\d+)/.exec(nodeVersion)?.[1])
  if (!(major >= TESTED_NODE_MAJORS.from && major <= TESTED_NODE_MAJORS.to)) {
    const reason = `the fast path is tested with Node ${TESTED_NODE_MAJORS.from} to ${TESTED_NODE_MAJORS.to}, this is ${nodeVersion}`
    warn('All traffic', reason)
    return publicTransports
  }
  const probed = async <T>(open: () => Promise<T>, probe: (way: T, timeoutMs: number) => Promise<void>): Promise<T> => {
    const way = await open()
    await probe(way, PROBE_TIMEOUT_MS)
    return way
  }
  const [tcp, udp] = await Promise.allSettled([probed(openTcp, probeTcpTransport), probed(openUdp, probeUdpTransport)])
  if (tcp.status === 'rejected') warn('TCP', messageOf(tcp.reason))
  if (udp.status === 'rejected') warn('UDP', messageOf(udp.reason))
  return {
    transport: tcp.status === 'fulfilled' ? tcp.value : publicTransports.transport,
    udpTransport: udp.status === 'fulfilled' ? udp.value : publicTransports.udpTransport,
  }
}
