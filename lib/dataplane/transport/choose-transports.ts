import { messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { DgramTransport } from './dgram-transport.js'
import { NetTransport } from './net-transport.js'
import { probeTcpTransport } from './probe-tcp-transport.js'
import { probeUdpTransport } from './probe-udp-transport.js'
import { type TcpTransport } from './tcp-transport.js'
import { type UdpTransport } from './udp-transport.js'

/** Major versions of Node.js that the fast path was tested with. A probe with another version might even end the process. */
const TESTED_NODE_MAJORS = { from: 20, to: 26 }
/** How long the probe of one transport may take, in milliseconds. */
const PROBE_TIMEOUT_MS = 3000

/** The transports of a data plane. */
export interface Transports {
  readonly transport: TcpTransport
  readonly udpTransport: UdpTransport
}

/** What the fast path depends on; tests replace it. */
export interface FastPathOptions {
  /** The version of Node.js, in the form of `process.version`. */
  readonly nodeVersion: string
  readonly openTcp: () => Promise<TcpTransport>
  readonly openUdp: () => Promise<UdpTransport>
}

const DEFAULT_FAST_PATH: FastPathOptions = {
  nodeVersion: process.version,
  // Loaded late: these files use internals of Node.js that may be missing.
  openTcp: async () => new (await import('./tcp-handle-transport.js')).TcpHandleTransport(),
  openUdp: async () => new (await import('./udp-handle-transport.js')).UdpHandleTransport(),
}

/**
 * Chooses the transports. Each protocol gets the fast path if this version of Node.js has it and it passes its probe; otherwise it
 * gets Node.js's public API, and a warning in the log gives the reason.
 * @param fastPath `off`: the public API for both, without a warning
 */
export async function chooseTransports(
  fastPath: 'auto' | 'off',
  log: Log,
  { nodeVersion, openTcp, openUdp }: FastPathOptions = DEFAULT_FAST_PATH,
): Promise<Transports> {
  const publicTransports = { transport: new NetTransport(), udpTransport: new DgramTransport() }
  if (fastPath === 'off') return publicTransports
  const warn = (protocols: string, reason: string): void =>
    log.warn(`${protocols} uses Node.js's public API, which costs more CPU`, { reason })
  const major = Number(/^v(\d+)/.exec(nodeVersion)?.[1])
  if (!(major >= TESTED_NODE_MAJORS.from && major <= TESTED_NODE_MAJORS.to)) {
    const reason = `the fast path is tested with Node.js ${TESTED_NODE_MAJORS.from} to ${TESTED_NODE_MAJORS.to}, this is ${nodeVersion}`
    warn('All traffic', reason)
    return publicTransports
  }
  const probed = async <T>(
    open: () => Promise<T>,
    probe: (transport: T, timeoutMs: number) => Promise<void>,
  ): Promise<T> => {
    const transport = await open()
    await probe(transport, PROBE_TIMEOUT_MS)
    return transport
  }
  const [tcp, udp] = await Promise.allSettled([probed(openTcp, probeTcpTransport), probed(openUdp, probeUdpTransport)])
  if (tcp.status === 'rejected') warn('TCP', messageOf(tcp.reason))
  if (udp.status === 'rejected') warn('UDP', messageOf(udp.reason))
  return {
    transport: tcp.status === 'fulfilled' ? tcp.value : publicTransports.transport,
    udpTransport: udp.status === 'fulfilled' ? udp.value : publicTransports.udpTransport,
  }
}
