import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { aborted } from './drain-data-plane.js'
import { type HandOverProof } from './hand-over-proof.js'
import { lineReader } from './line-reader.js'
import { socketClosed } from './socket-closed.js'

/**
 * The name of the proxy that serves. A Linux socket whose name starts with NUL exists in one network namespace, which is what a
 * proxy serves, and is gone with its process.
 */
export const HAND_OVER_ADDRESS = '\0kube-proxy-node/hand-over'

/** Connections at the same time. A successor needs one; other processes of the node may connect too. */
const MAX_CONNECTIONS = 8
/** How many of them may be of proxies that stand by: the others stay free for a successor. */
const MAX_WATCHERS = 4
/** How long a process has to show its proof, in milliseconds. */
const PROOF_TIMEOUT_MS = 10_000

/** What a proxy does for its successor. */
export interface HandOverServerOptions {
  readonly address: string
  readonly proof: HandOverProof
  /** A successor asks. Resolves when this proxy writes no rule any more, and holds no port that clients of Services use. */
  readonly onAsk: () => Promise<void>
  /** The rules of the successor are in the kernel. Resolves when this proxy has released the ports of health checks and metrics. */
  readonly onServing: () => Promise<void>
  /** The successor, which has been given way to, is about to end or has ended. */
  readonly onGone: () => void
  /** Another proxy stands by until this one ends. */
  readonly onWatcher: (ended: Promise<unknown>) => void
  /** Aborted when the rules of this proxy are in the kernel. */
  readonly serves: AbortSignal
  readonly log: Log
}

/**
 * Waits for a successor, and hands over to it, once. Other proxies may wait until this one ends. One line of text is one message:
 *
 *     this proxy                successor                                    this proxy                proxy that stands by
 *     show NONCE         ──▶                                                 show NONCE         ──▶
 *                        ◀──    shown       it may write rules here,                            ◀──    watch
 *     yours | refused    ──▶                see `HandOverProof`              serving            ──▶    its rules are in the kernel
 *                        ◀──    serving     its rules are in the kernel      leaving | end      ──▶    it is about to end | ask again
 *     released           ──▶                its HTTP ports are free
 *                        ◀──    end         it is about to end
 */
export class HandOverServer {
  readonly #options: HandOverServerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #watchers = new Set<Socket>()
  #isAsked = false
  #isLeaving = false

  /** @returns undefined if another process has the name @throws the system's error */
  static async listen(options: HandOverServerOptions): Promise<HandOverServer | undefined> {
    const server = createServer()
    try {
      server.listen(options.address)
      await once(server, 'listening')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
      throw error
    }
    return new HandOverServer(options, server)
  }

  private constructor(options: HandOverServerOptions, server: Server) {
    this.#options = options
    this.#server = server
    server.maxConnections = MAX_CONNECTIONS
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
      void this.#serve(socket)
    })
    server.on('error', () => undefined)
    server.unref()
    void aborted(options.serves).then(() => {
      for (const socket of this.#watchers) if (socket.writable) socket.write('serving\n')
    })
  }

  /** This proxy is about to end: those that stand by need not wait for it. */
  announceLeaving(): void {
    this.#isLeaving = true
    this.#dismissWatchers('leaving\n')
  }

  /** Frees the name, and leaves the successor alone. */
  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #serve(socket: Socket): Promise<void> {
    const nextLine = lineReader(socket)
    socket.setTimeout(PROOF_TIMEOUT_MS, () => socket.destroy())
    const nonce = randomBytes(6).toString('hex')
    socket.write(`show ${nonce}\n`)
    const line = await nextLine()
    if (line === 'watch') return this.#addWatcher(socket)
    const isShown = line === 'shown' && !this.#isAsked && (await this.#isShown(nonce))
    if (!isShown || this.#isAsked) return void socket.end('refused\n')
    this.#isAsked = true
    socket.setTimeout(0)
    await this.#giveWay(socket, nextLine)
  }

  async #giveWay(socket: Socket, nextLine: () => Promise<string | undefined>): Promise<void> {
    const { onAsk, onServing, onGone, log } = this.#options
    log.info(0, 'Another kube-proxy takes over: giving way')
    await onAsk()
    this.#server.close()
    socket.write('yours\n')
    if ((await nextLine()) === 'serving') {
      await onServing()
      socket.write('released\n')
      // The successor has the name now.
      this.#dismissWatchers('')
    }
    while ((await nextLine()) !== undefined);
    socket.destroy()
    onGone()
  }

  #addWatcher(socket: Socket): void {
    if (this.#isLeaving) return void socket.end('leaving\n')
    if (this.#watchers.size >= MAX_WATCHERS) return void socket.end('refused\n')
    socket.setTimeout(0)
    this.#watchers.add(socket)
    this.#options.onWatcher(socketClosed(socket).then(() => this.#watchers.delete(socket)))
    if (this.#options.serves.aborted) socket.write('serving\n')
  }

  #dismissWatchers(lastLine: string): void {
    for (const socket of this.#watchers) socket.end(lastLine)
  }

  async #isShown(nonce: string): Promise<boolean> {
    try {
      return await this.#options.proof.isShown(nonce)
    } catch (error) {
      this.#options.log.warn('Cannot check whether a process may take over', { reason: messageOf(error) })
      return false
    }
  }
}
