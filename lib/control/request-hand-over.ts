import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { type HandOverProof } from './hand-over-proof.js'
import { lineReader } from './line-reader.js'
import { socketClosed } from './socket-closed.js'

/** A proxy that has given way to this one. */
export interface Predecessor {
  /** Resolves when it has ended, or after `release`. */
  readonly ended: Promise<unknown>
  /**
   * Reports that the rules of this proxy are in the kernel. Resolves when the other one has released the ports of health checks and
   * metrics, or has ended.
   */
  announceServing(): Promise<unknown>
  /** Lets it serve again: this proxy is about to end. */
  release(): void
}

/** What a proxy that serves has replied: it gives way, it does not, or it has just gone. */
export type HandOverReply = Predecessor | 'refused' | 'gone'

/**
 * Asks the proxy that serves this node to give way; `HandOverServer` has the messages.
 * @param signal ends the request; the reply is `refused` then
 * @throws ProxyFailure if this process may not write rules
 */
export async function requestHandOver(
  address: string,
  proof: HandOverProof,
  signal: AbortSignal,
): Promise<HandOverReply> {
  const socket = connect(address)
  socket.unref()
  socket.on('error', () => undefined)
  const onAbort = (): void => void socket.destroy()
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  const next = lineReader(socket)
  try {
    const nonce = /^show ([0-9a-f]{12})$/.exec((await next()) ?? '')?.[1]
    if (nonce === undefined) return await refusedOrGone(socket, signal)
    const hide = await proof.show(nonce)
    socket.write('shown\n')
    const reply = await next().finally(hide)
    if (reply !== 'yours') return reply === 'refused' ? 'refused' : await refusedOrGone(socket, signal)
    return predecessorAt(socket, next)
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function predecessorAt(socket: Socket, nextLine: () => Promise<string | undefined>): Predecessor {
  const ended = socketClosed(socket)
  let released: Promise<unknown> | undefined
  return {
    ended,
    announceServing: () => {
      if (released === undefined) {
        socket.write('serving\n')
        released = nextLine()
      }
      return released
    },
    release: () => void socket.end(),
  }
}

/** Without a reply: the other process has ended, or this one has given up. */
async function refusedOrGone(socket: Socket, signal: AbortSignal): Promise<'refused' | 'gone'> {
  socket.destroy()
  await socketClosed(socket)
  return signal.aborted ? 'refused' : 'gone'
}

/** Whether a proxy serves this node, or another process has its name. */
export async function isServing(address: string): Promise<boolean> {
  const socket = connect(address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
