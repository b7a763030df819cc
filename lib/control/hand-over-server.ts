import { once } from 'node:events'
import { type Server, createServer } from 'node:net'
import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { DEMANDS, type Demand } from './ask-server.js'
import { aborted } from '../primitives/aborted.js'
import { type HandOverProof, createNonce } from './hand-over-proof.js'
import { LineConnection } from './line-connection.js'

/**
 * The name of the proxy that serves. A Linux socket whose name starts with NUL exists in one network namespace, which is what a
 * proxy serves, and is gone with its process.
 */
export const HAND_OVER_ADDRESS = '\0kube-proxy-node/hand-over'

/** Connections that have not shown a proof. Any process of the node can make them: the oldest gives way to a new one. */
const MAX_UNPROVEN = 32
/** How long a process has to show its proof, in milliseconds. */
const PROOF_TIMEOUT_MS = 10_000

/** What a proxy does for its successor. */
export interface SuccessorCallbacks {
  /** A successor asks. Resolves when this proxy writes no rule any more, and holds no port that clients of Services use. */
  readonly onAsk: () => Promise<void>
  /** The rules of the successor are in the kernel. */
  readonly onServing: () => void
  /** The successor ends in order (`leaving`), or has ended without a word (`lost`). */
  readonly onGone: (how: 'leaving' | 'lost') => void
  /** Aborted when this proxy has released the ports of health checks and metrics. */
  readonly portsReleased: AbortSignal
}

export interface HandOverServerOptions {
  readonly address: string
  readonly proof: HandOverProof
  readonly successor: SuccessorCallbacks
  /** Another proxy stands by until this one ends. */
  readonly onWatcher: (ended: Promise<unknown>) => void
  /** Another proxy could serve instead of this one, which has declined that. */
  readonly onDecline: () => void
  /** Aborted when the rules of this proxy are in the kernel. */
  readonly serves: AbortSignal
  readonly clock: Clock
  readonly log: Log
}

/**
 * Waits for a successor, and hands over to it, once. Other proxies may wait until this one ends. One line of text is one message:
 *
 *     this proxy                successor                                    this proxy                proxy that waits
 *     show NONCE         ──▶                                                 show NONCE         ──▶
 *                        ◀──    take over   see `HandOverProof`                                 ◀──    stand by | wait
 *     yes SECRET         ──▶                or `refused`                     yes SECRET         ──▶
 *                        ◀──    serving     its rules are in the kernel      serving            ──▶    only to one that stands by:
 *     released           ──▶                its HTTP ports are free          leaving | end      ──▶    it is about to end | ask again
 *                        ◀──    leaving     it is about to end
 *
 * `released` may also come before `serving`, for a successor that takes long, or when this proxy must end. One that has given way
 * before asks `serve again` instead of `take over`: the reply is `no SECRET` until this proxy is about to end.
 */
export class HandOverServer {
  readonly #options: HandOverServerOptions
  readonly #server: Server
  readonly #connections = new Set<LineConnection>()
  readonly #unproven = new Set<LineConnection>()
  readonly #watchers = new Set<LineConnection>()
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
    server.on('connection', socket => {
      const connection = new LineConnection(socket)
      this.#serve(connection).catch((error: unknown) => {
        options.log.error('Cannot reply to another process that asks for the node', error)
        connection.destroy()
      })
    })
    server.on('error', () => undefined)
    server.unref()
  }

  /** This proxy is about to end: those that stand by need not wait for it. */
  announceLeaving(): void {
    this.#isLeaving = true
    for (const watcher of this.#watchers) watcher.end('leaving')
  }

  /** Frees the name, and leaves the successor alone. */
  close(): void {
    this.#server.close()
    for (const connection of this.#connections) connection.destroy()
  }

  async #serve(connection: LineConnection): Promise<void> {
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    const demand = await this.#provenDemand(connection)
    if (demand === undefined) return connection.end('refused')
    const { kind, secret } = demand
    const agreement = `yes ${secret}`
    if (kind === 'wait') connection.send(agreement)
    else if (kind === 'stand by') this.#addWatcher(connection, agreement)
    else if (kind === 'serve again' && (this.#isAsked || !this.#isLeaving)) {
      connection.end(`no ${secret}`)
      this.#options.onDecline()
    } else if (this.#isAsked) connection.end('refused')
    else await this.#giveWay(connection, agreement)
  }

  /** What a process demands, and its secret; undefined if it does not show that it may write rules. */
  async #provenDemand(connection: LineConnection): Promise<{ kind: Demand; secret: string } | undefined> {
    const [oldest] = this.#unproven
    if (this.#unproven.size >= MAX_UNPROVEN) oldest!.destroy()
    this.#unproven.add(connection)
    void connection.closed.then(() => this.#unproven.delete(connection))
    const cancel = this.#options.clock.after(PROOF_TIMEOUT_MS, () => connection.destroy(), { keepsAlive: false })
    const nonce = createNonce()
    connection.send(`show ${nonce}`)
    const line = await connection.nextLine()
    const kind = DEMANDS.find(demand => demand === line)
    const secret = kind === undefined ? undefined : await this.#readSecret(nonce)
    cancel()
    this.#unproven.delete(connection)
    return kind === undefined || secret === undefined ? undefined : { kind, secret }
  }

  async #giveWay(connection: LineConnection, agreement: string): Promise<void> {
    const { successor, log } = this.#options
    this.#isAsked = true
    log.info(0, 'Another kube-proxy takes over: giving way')
    try {
      await successor.onAsk()
    } catch (error) {
      // Without an agreement, the other one asks again, and finds the name free. This proxy serves again, or stands by behind it.
      this.#server.close()
      successor.onGone('lost')
      throw error
    }
    this.#server.close()
    connection.send(agreement)
    void aborted(successor.portsReleased).then(() => connection.send('released'))
    let line: string | undefined
    do {
      line = await connection.nextLine()
      if (line === 'serving') this.#onSuccessorServing()
    } while (line !== undefined && line !== 'leaving')
    successor.onGone(line ?? 'lost')
  }

  #onSuccessorServing(): void {
    this.#options.successor.onServing()
    // The successor has the name now.
    for (const watcher of this.#watchers) watcher.destroy()
  }

  #addWatcher(connection: LineConnection, agreement: string): void {
    connection.send(agreement)
    if (this.#isLeaving) return connection.end('leaving')
    this.#watchers.add(connection)
    this.#options.onWatcher(connection.closed.then(() => this.#watchers.delete(connection)))
    void aborted(this.#options.serves).then(() => connection.send('serving'))
  }

  async #readSecret(nonce: string): Promise<string | undefined> {
    try {
      return await this.#options.proof.read(nonce)
    } catch (error) {
      this.#options.log.warn('Cannot check whether a process may take over', { reason: messageOf(error) })
      return undefined
    }
  }
}
