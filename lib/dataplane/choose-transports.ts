import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { DgramTransport } from './dgram-transport.js'
import { NetTransport } from './net-transport.js'
import { probeTransport } from './probe-transport.js'
import { probeUdpTransport } from './probe-udp-transport.js'
import { type TcpTransport } from './tcp-transport.js'
import { type UdpTransport } from './udp-transport.js'

/** Versions of Node, by their first number, with which the fast path was tested: others may even end the process when probed. */
const TESTED = { from: 20, to: 26 }
const PROBE_MS = 3000

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

const THIS_NODE: FastPathOptions = {
  nodeVersion: process.version,
  // Loaded late: these files reach for what may not be there.
  openTcp: async () => new (await import('./handle-transport.js')).HandleTransport(),
  openUdp: async () => new (await import('./udp-handle-transport.js')).UdpHandleTransport(),
}

/**
 * The ways TCP and UDP are done from now on: the fast path where this version of Node has what it needs, and it works as it should;
 * the public API otherwise, which is said in the log. One may take the one, and the other the other.
 */
export async function chooseTransports(
  fastPath: 'auto' | 'off',
  log: Log,
  { nodeVersion, openTcp, openUdp }: FastPathOptions = THIS_NODE,
): Promise<Transports> {
  const publicWays = { transport: new NetTransport(), udpTransport: new DgramTransport() }
  if (fastPath === 'off') return publicWays
  const warn = (protocols: string, because: string): void =>
    log.warn(`${protocols} takes Node's public API, which costs more`, { because })
  const major = Number(/^v(\d+)/.exec(nodeVersion)?.[1])
  if (!(major >= TESTED.from && major <= TESTED.to)) {
    const because = `the fast path is tested with Node ${TESTED.from} to ${TESTED.to}, this is ${nodeVersion}`
    warn('All traffic', because)
    return publicWays
  }
  const probed = async <T>(open: () => Promise<T>, probe: (way: T, timeoutMs: number) => Promise<void>): Promise<T> => {
    const way = await open()
    await probe(way, PROBE_MS)
    return way
  }
  const [tcp, udp] = await Promise.allSettled([probed(openTcp, probeTransport), probed(openUdp, probeUdpTransport)])
  if (tcp.status === 'rejected') warn('TCP', messageOf(tcp.reason))
  if (udp.status === 'rejected') warn('UDP', messageOf(udp.reason))
  return {
    transport: tcp.status === 'fulfilled' ? tcp.value : publicWays.transport,
    udpTransport: udp.status === 'fulfilled' ? udp.value : publicWays.udpTransport,
  }
}
