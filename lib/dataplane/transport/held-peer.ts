import { reasonOfEnd } from './reason-of-end.js'
import { type TcpTable } from './tcp-table.js'
import { type SocketAddress } from './upstream-sockets.js'

/** A peer that still exists is asked for no more often than this, in milliseconds. */
const ASK_INTERVAL_MS = 4000

/**
 * What the kernel knows of a peer that is held back: bytes from it may still wait in the kernel. When they have been read, the end of them
 * has to be true: an end if the peer has finished sending, an error if it died before that.
 *
 * The kernel reports that error once. Without it, a read returns an end in both cases. So this class takes the error, to find out about a
 * reset, only if it then knows which of the two cases it is: from the kernel's list, in which it looks up the peer while that still exists.
 */
export class HeldPeer {
  /** Whether the kernel has dropped the connection. */
  isGone = false
  /** Whether the peer died before it finished sending, and no read will report it. */
  isBroken = false
  #hasFinished = false
  /** When it was asked for last, and when it still had not finished, by `performance.now()`. */
  #askedAt = -Infinity
  #openAt = -Infinity
  #isReasonKnown = false

  /** The peer exists. */
  observe(table: TcpTable, local: SocketAddress, remote: SocketAddress): void {
    const now = performance.now()
    if (this.#hasFinished || now - this.#askedAt < ASK_INTERVAL_MS) return
    this.#askedAt = now
    table.ask(local, remote, ({ state, readAt }) => {
      if (state === 'ended') this.#hasFinished = true
      else if (state === 'open') this.#openAt = readAt
    })
  }

  /**
   * The kernel has dropped the connection.
   * @param silentMs how long a peer is silent before the kernel does that by itself; undefined: that cannot be the reason
   * @returns whether the peer has sent a reset, and no end before it; false if that is not known
   */
  wasReset(descriptor: number, silentMs: number | undefined): boolean {
    this.isGone = true
    // If it had finished after that time, the kernel would still wait for it.
    const isKnown = this.#hasFinished || silentMs === undefined || performance.now() - this.#openAt < silentMs
    if (this.#isReasonKnown || !isKnown) return false
    this.#isReasonKnown = true
    const reason = reasonOfEnd(descriptor)
    this.isBroken = reason !== 'EPIPE' && !this.#hasFinished
    return reason === 'ECONNRESET'
  }
}
