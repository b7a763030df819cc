import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { NetTransport } from './net-transport.js'
import { probeTransport } from './probe-transport.js'
import { type TcpTransport } from './tcp-transport.js'

/** Versions of Node, by their first number, with which the fast path was tested: others may even end the process when probed. */
const TESTED = { from: 20, to: 26 }
const PROBE_MS = 3000

export interface FastPathOptions {
  /** The version of Node, as in `process.version`. */
  readonly nodeVersion: string
  readonly open: () => Promise<TcpTransport>
}

const THIS_NODE: FastPathOptions = {
  nodeVersion: process.version,
  // Loaded late: the file reaches for what may not be there.
  open: async () => new (await import('./handle-transport.js')).HandleTransport(),
}

/**
 * The way TCP is done from now on: the fast path where this version of Node has what it needs, and it works as it should;
 * the public API otherwise, which is said in the log.
 */
export async function chooseTransport(
  fastPath: 'auto' | 'off',
  log: Log,
  options: FastPathOptions = THIS_NODE,
): Promise<TcpTransport> {
  if (fastPath === 'off') return new NetTransport()
  const reason = `TCP takes Node's public API, which costs more`
  const major = Number(/^v(\d+)/.exec(options.nodeVersion)?.[1])
  if (!(major >= TESTED.from && major <= TESTED.to)) {
    log.warn(reason, {
      because: `the fast path is tested with Node ${TESTED.from} to ${TESTED.to}, this is ${options.nodeVersion}`,
    })
    return new NetTransport()
  }
  try {
    const transport = await options.open()
    await probeTransport(transport, PROBE_MS)
    return transport
  } catch (error) {
    log.warn(reason, { because: messageOf(error) })
    return new NetTransport()
  }
}
