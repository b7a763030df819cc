import { messageOf } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type HandOverProof } from './hand-over-proof.js'
import { HAND_OVER_ADDRESS, HandOverServer, type HandOverServerOptions } from './hand-over-server.js'
import { type Predecessors } from './predecessors.js'
import { requestHandOver } from './request-hand-over.js'

/** How long to wait until another proxy gives way, in milliseconds. It must at most finish a write of rules. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often to ask again, and how often a proxy that serves without a hand-over asks again. In milliseconds. */
const RETRY_MS = 200
const LATE_RETRY_MS = 5000

/** What a proxy does when another one takes over; as in `HandOverServerOptions`. */
export type SuccessorCallbacks = Pick<HandOverServerOptions, 'onAsk' | 'onServing' | 'onGone'>

/** What a proxy does before its turn comes, and when another one takes over. */
export interface HandOverCallbacks extends SuccessorCallbacks {
  /** Another proxy has given way: reads what it has left. */
  readonly onPredecessorGone: () => Promise<void>
  /** The ports of health checks and metrics can be free. */
  readonly onPortsFree: () => void
}

/** Who must know when the turn of this proxy comes. */
export interface TurnSubscriber {
  /** This proxy may open its ports and write its rules. */
  readonly onTurn: () => void
  /**
   * Another proxy, which had not replied in time, has given way now. It may have changed rules: clients are led to its listeners
   * until the promise resolves.
   */
  readonly onLateHandOver: () => Promise<void>
}

/**
 * Sees to it that one proxy writes the rules of a node at a time. The newest one asks the one that serves to give way, once it
 * knows what to serve; `LifeCycle` has the states. A proxy that does not reply is not waited for: then this one serves, and asks
 * again every few seconds, since one that was stopped writes rules again as soon as it continues.
 */
export class HandOver {
  readonly #proof: HandOverProof
  readonly #predecessors: Predecessors
  readonly #clock: Clock
  readonly #log: Log
  readonly #callbacks: HandOverCallbacks
  readonly #stop = new AbortController()
  readonly #serves = new AbortController()
  #isRequested = false
  #isOurTurn = false
  /** Whether another proxy has given way to this one. */
  #hasPredecessor = false
  #server: HandOverServer | undefined
  #subscriber: TurnSubscriber | undefined

  constructor(proof: HandOverProof, predecessors: Predecessors, clock: Clock, log: Log, callbacks: HandOverCallbacks) {
    this.#proof = proof
    this.#predecessors = predecessors
    this.#clock = clock
    this.#log = log
    this.#callbacks = callbacks
  }

  /** Sets the subscriber. Call it before the first `mayServe`. */
  subscribe(subscriber: TurnSubscriber): void {
    this.#subscriber = subscriber
  }

  /** Whether this proxy may serve. The first call asks for that. */
  mayServe(): boolean {
    if (!this.#isRequested) {
      this.#isRequested = true
      void this.#request()
    }
    return this.#isOurTurn
  }

  /** The rules of this proxy are in the kernel. */
  announceServing(): void {
    this.#serves.abort()
    void this.#predecessors.announceServing().then(this.#callbacks.onPortsFree)
  }

  /** This proxy is about to end: those that gave way to it may serve again, and still ask before they do. */
  release(): void {
    this.#server?.announceLeaving()
    this.#predecessors.release()
  }

  /** Frees the name. */
  close(): void {
    this.#stop.abort()
    this.#server?.close()
  }

  async #request(): Promise<void> {
    const reason = await this.#takeName()
    if (this.#stop.signal.aborted) return
    if (reason !== undefined) {
      this.#log.warn('Another kube-proxy seems to serve this node and did not give way; serving without a hand-over', {
        reason,
      })
      void this.#retry()
    } else if (this.#hasPredecessor) await this.#callbacks.onPredecessorGone()
    this.#isOurTurn = true
    this.#subscriber?.onTurn()
    if (!this.#hasPredecessor) this.#callbacks.onPortsFree()
  }

  /** Asks again until the name is free or the other proxy gives way, while this one serves. */
  async #retry(): Promise<void> {
    do await this.#pause(LATE_RETRY_MS, false)
    while ((await this.#takeName()) !== undefined && !this.#stop.signal.aborted)
    if (!this.#hasPredecessor) return
    await this.#subscriber?.onLateHandOver()
    if (this.#serves.signal.aborted) await this.#predecessors.announceServing()
  }

  /** Gets the name, if another proxy has it by a hand-over. @returns why it has not: the other one does not give way in time */
  async #takeName(): Promise<string | undefined> {
    const timeout = new AbortController()
    const cancel = this.#clock.after(REQUEST_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const signal = AbortSignal.any([timeout.signal, this.#stop.signal])
    try {
      while (!signal.aborted) {
        if (await this.#listen()) return undefined
        const reply = await requestHandOver(HAND_OVER_ADDRESS, this.#proof, signal)
        if (typeof reply === 'string') await this.#pause(RETRY_MS)
        else {
          this.#hasPredecessor = true
          this.#predecessors.add(reply)
          this.#log.info(0, 'The kube-proxy that served this node has given way, and stands by until it ends')
        }
      }
      return 'It does not reply'
    } catch (error) {
      return messageOf(error)
    } finally {
      cancel()
    }
  }

  async #listen(): Promise<boolean> {
    const { onAsk, onServing, onGone } = this.#callbacks
    this.#server ??= await HandOverServer.listen({
      address: HAND_OVER_ADDRESS,
      proof: this.#proof,
      onAsk,
      onServing,
      onGone,
      onWatcher: ended => this.#predecessors.addWatcher(ended),
      serves: this.#serves.signal,
      log: this.#log,
    })
    if (this.#stop.signal.aborted) this.#server?.close()
    return this.#server !== undefined
  }

  #pause(ms: number, keepsAlive = true): Promise<void> {
    return new Promise(resolve => void this.#clock.after(ms, resolve, { keepsAlive }))
  }
}
