import { messageOf } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type HandOverProof } from './hand-over-proof.js'
import { type Predecessor, requestHandOver } from './request-hand-over.js'
import { HAND_OVER_ADDRESS, HandOverServer, type HandOverServerOptions } from './hand-over-server.js'

/** How long to wait until another proxy gives way, in milliseconds. It must at most finish a write of rules. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often to ask again, and how often to try to get the name when another process keeps it. In milliseconds. */
const RETRY_MS = 200
const NAME_RETRY_MS = 5000

/** What a proxy does when another one takes over; as in `HandOverServerOptions`. */
export type SuccessorCallbacks = Pick<HandOverServerOptions, 'onAsk' | 'onServing' | 'onGone'>

/** What a proxy does when its turn comes and when it ends. */
export interface HandOverCallbacks extends SuccessorCallbacks {
  /** Another proxy has given way: reads what it has left. */
  readonly onPredecessorGone: () => Promise<void>
  /** This proxy may open its ports and write its rules. */
  readonly onTurn: () => void
}

/**
 * Sees to it that one proxy writes the rules of a node at a time. The newest one asks the one that serves to give way, once it
 * knows what to serve; `LifeCycle` has the states. A proxy that does not reply is not waited for: then both write rules.
 */
export class HandOver {
  readonly #proof: HandOverProof
  readonly #clock: Clock
  readonly #log: Log
  readonly #callbacks: HandOverCallbacks
  readonly #stop = new AbortController()
  #isRequested = false
  #isOurTurn = false
  #server: HandOverServer | undefined
  #predecessor: Predecessor | undefined

  constructor(proof: HandOverProof, clock: Clock, log: Log, callbacks: HandOverCallbacks) {
    this.#proof = proof
    this.#clock = clock
    this.#log = log
    this.#callbacks = callbacks
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
    this.#predecessor?.announceServing()
  }

  /** This proxy is about to end: the one that gave way to it may serve again, and still asks before it does. */
  release(): void {
    this.#predecessor?.release()
    this.#predecessor = undefined
  }

  /** Frees the name. */
  close(): void {
    this.#stop.abort()
    this.release()
    this.#server?.close()
  }

  async #request(): Promise<void> {
    const timeout = new AbortController()
    const cancel = this.#clock.after(REQUEST_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const signal = AbortSignal.any([timeout.signal, this.#stop.signal])
    try {
      if (!(await this.#takeName(signal))) this.#goWithoutName('It does not reply')
    } catch (error) {
      this.#goWithoutName(messageOf(error))
    }
    cancel()
    if (this.#stop.signal.aborted) return
    if (this.#predecessor !== undefined) await this.#callbacks.onPredecessorGone()
    this.#isOurTurn = true
    this.#callbacks.onTurn()
  }

  async #takeName(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#listen()) return true
      if (this.#predecessor !== undefined) continue
      const reply = await requestHandOver(HAND_OVER_ADDRESS, this.#proof, signal)
      if (typeof reply !== 'string') {
        this.#predecessor = reply
        this.#log.info(0, 'The kube-proxy that served this node has given way')
      } else await this.#pause(RETRY_MS)
    }
    return false
  }

  async #listen(): Promise<boolean> {
    const { onAsk, onServing, onGone } = this.#callbacks
    this.#server ??= await HandOverServer.listen({
      address: HAND_OVER_ADDRESS,
      proof: this.#proof,
      onAsk,
      onServing,
      onGone,
      log: this.#log,
    })
    if (this.#stop.signal.aborted) this.#server?.close()
    return this.#server !== undefined
  }

  /** Serves although another process has the name, and tries to get it later, for the proxy that comes after this one. */
  #goWithoutName(reason: string): void {
    if (this.#stop.signal.aborted) return
    this.#log.warn('Another kube-proxy seems to serve this node and did not give way; serving without a hand-over', {
      reason,
    })
    const retry = (): void => {
      void this.#listen()
        .catch(() => false)
        .then(isDone => isDone || this.#stop.signal.aborted || this.#clock.after(NAME_RETRY_MS, retry, BACKGROUND))
    }
    retry()
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => void this.#clock.after(ms, resolve))
  }
}

/** A timer for which the process does not stay alive. */
const BACKGROUND = { keepsAlive: false }
