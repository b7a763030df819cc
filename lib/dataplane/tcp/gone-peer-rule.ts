import { type GonePeerRule, type SocketState } from '../transport/tcp-transport.js'

/** How long the connection has been so, in milliseconds. */
export interface UnpolledTimes {
  /** Since the event loop stopped to poll one of its sockets. */
  readonly unpolledMs: number
  /** Since the last byte moved, in either direction. */
  readonly quietMs: number
}

const RESET: GonePeerRule = { ifReset: 'reset', ifPossiblyEnded: 'reset', silentMs: undefined }
const CLOSE: GonePeerRule = { ifReset: 'reset', ifPossiblyEnded: 'close', silentMs: undefined }

/** Milliseconds without a byte after which a direction that is held back counts as at rest. */
const AT_REST_MS = 1000
/** From the first keep-alive to the end of a connection whose peer is silent: ten probes, a second apart, less a margin. */
const PROBES_MS = 9000
/** Share of the keep-alive time; the rest is a margin for a sweep that comes late. */
const SURE_SHARE = 0.5

/** Times that a connection keeps to, in milliseconds. */
export interface PeerTimeouts {
  /** Idle time after which the kernel checks that a peer still exists. */
  readonly keepAliveIdle: number
  /** How long a connection may be silent of which one direction has ended. */
  readonly halfClosedTimeout: number
}

/**
 * How a connection has to end if the peer of one of its sockets is gone. Undefined: it goes on in any case.
 *
 * The kernel drops a connection when the peer sends a reset, when it answers a keep-alive with a reset, or when it does not answer.
 * It sends the first keep-alive after `keepAliveIdle`. So a peer that goes sooner has sent a reset by itself, and the other side must
 * get one too. A peer that goes later has perhaps closed its socket in order, long before, and its kernel has forgotten it since.
 * Then the other side must get all bytes that it sent, and no reset: as from that kernel. If it died before it finished sending, the
 * other side gets all bytes that came, and then a reset.
 *
 * Those bytes may wait for a slow reader as long as those of a peer that still exists and has finished sending: a kernel that forwards
 * packets has no limit for bytes that it has acknowledged. When sockets are short, connections that hold bytes of a sender that is gone
 * end first.
 *
 * If this side has finished sending to the peer, the peer may end the connection in order at any time: then the kernel drops it at
 * once, with bytes that nothing has read yet.
 *
 * @param state of the socket
 * @param hasFinished whether the end of the other side's data was sent to the peer
 */
export function gonePeerRule(
  state: SocketState,
  hasFinished: boolean,
  { unpolledMs, quietMs }: UnpolledTimes,
  { keepAliveIdle, halfClosedTimeout }: PeerTimeouts,
): GonePeerRule | undefined {
  // Too short for a keep-alive.
  const isShort = unpolledMs < keepAliveIdle * SURE_SHARE
  if (state === 'ended') return isShort ? RESET : CLOSE
  // The bytes that the kernel still has from a peer that is gone arrive as long as the other side takes them.
  if (state === 'reading' || quietMs < AT_REST_MS) return undefined
  const hasSentReset = isShort && !hasFinished
  if (hasSentReset || quietMs >= halfClosedTimeout) return RESET
  return { ifReset: 'reset', ifPossiblyEnded: undefined, silentMs: isShort ? undefined : keepAliveIdle + PROBES_MS }
}

/**
 * Whether a connection of which one direction has ended is silent for too long: both peers exist, or one of them has died and the
 * other does not take its last bytes.
 */
export function isAbandoned(
  client: SocketState,
  endpoint: SocketState,
  { quietMs }: UnpolledTimes,
  { halfClosedTimeout }: Pick<PeerTimeouts, 'halfClosedTimeout'>,
): boolean {
  return (client === 'ended' || endpoint === 'ended') && quietMs >= halfClosedTimeout
}
