import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { pause } from '../primitives/pause.js'
import { type Answer, type Demand, askServer } from './ask-server.js'
import { type HandOverProof } from './hand-over-proof.js'
import { HandOverServer, type SuccessorCallbacks } from './hand-over-server.js'
import { LineConnection } from './line-connection.js'
import { Predecessor, type Predecessors } from './predecessors.js'

/** How long to wait until another proxy gives way, in milliseconds. It must at most finish a write of rules. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often to ask again, in milliseconds. */
const RETRY_MS = 200

/** Why no other proxy has given way. */
const REASONS: Readonly<Record<Exclude<Answer, LineConnection | Error | 'serves on'>, string>> = {
  absent: 'It does not reply',
  lost: 'It does not reply',
  refused: 'It refuses to give way',
  unproven: 'The process that has its name does not show that it may write rules',
}

/** What an attempt to get the name has come to. */
export type NameOutcome =
  | 'ours'
  /** This proxy is older than the one that serves: it must stand by. */
  | 'serves on'
  | { readonly message: string; readonly reason: string }

/** What a log says if another proxy did not give way, or if this one could not ask it. */
const DID_NOT_GIVE_WAY = 'Another kube-proxy seems to serve this node and did not give way; serving without a hand-over'
const CANNOT_ASK = 'Cannot ask whether another kube-proxy serves this node; serving without a hand-over'

/** What `HandOverName` needs. */
export interface HandOverNameOptions {
  readonly address: string
  readonly proof: HandOverProof
  readonly predecessors: Predecessors
  /** Called when another proxy takes over from this one. */
  readonly successor: SuccessorCallbacks
  /** Another proxy could serve instead of this one, which has declined that. */
  readonly onDecline: () => void
  /** Aborted when the rules of this proxy are in the kernel. */
  readonly serves: AbortSignal
  readonly clock: Clock
  readonly log: Log
}

/** The name of the proxy that serves, see `HAND_OVER_ADDRESS`: how this one gets it, if another one has it by a hand-over. */
export class HandOverName {
  readonly #options: HandOverNameOptions
  readonly #closed = new AbortController()
  #hasPredecessor = false
  #server: HandOverServer | undefined

  constructor(options: HandOverNameOptions) {
    this.#options = options
  }

  /** Whether another proxy has given way to this one. */
  get hasPredecessor(): boolean {
    return this.#hasPredecessor
  }

  /** Aborted by `close`. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /** Gets the name: asks the proxy that has it to give way, and again until the time is over. */
  async take(demand: Demand): Promise<NameOutcome> {
    const { clock } = this.#options
    const timeout = new AbortController()
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const signal = AbortSignal.any([timeout.signal, this.#closed.signal])
    let outcome: NameOutcome = { message: DID_NOT_GIVE_WAY, reason: REASONS.lost }
    try {
      while (!signal.aborted) {
        const answer = await this.#tryToTakeName(demand, signal)
        if (answer === 'ours' || answer === 'serves on') return answer
        if (answer instanceof Error) outcome = { message: CANNOT_ASK, reason: messageOf(answer) }
        else if (!signal.aborted) outcome = { message: DID_NOT_GIVE_WAY, reason: REASONS[answer] }
        await pause(clock, RETRY_MS, signal)
      }
      return outcome
    } catch (error) {
      return { message: CANNOT_ASK, reason: messageOf(error) }
    } finally {
      cancel()
    }
  }

  /** This proxy is about to end. */
  announceLeaving(): void {
    this.#server?.announceLeaving()
  }

  /** Frees the name, and asks for it no longer. */
  close(): void {
    this.#closed.abort()
    this.#server?.close()
  }

  /** @throws ProxyFailure if this process can write no rule, now and later */
  async #tryToTakeName(demand: Demand, signal: AbortSignal): Promise<'ours' | Exclude<Answer, LineConnection>> {
    const { address, proof } = this.#options
    const before = await this.#listen()
    if (before !== 'taken') return before
    const answer = await askServer(address, proof, demand, signal)
    if (!(answer instanceof LineConnection)) return answer
    this.#addPredecessor(answer)
    const after = await this.#listen()
    // A third proxy can have it by now.
    return after === 'taken' ? 'lost' : after
  }

  #addPredecessor(connection: LineConnection): void {
    this.#hasPredecessor = true
    this.#options.predecessors.add(new Predecessor(connection))
    this.#options.log.info(0, 'The kube-proxy that served this node has given way, and stands by until it ends')
  }

  /** Gets the name if it is free. @returns an error of the system, such as no free descriptor, that may pass */
  async #listen(): Promise<'ours' | 'taken' | Error> {
    const { predecessors, proof } = this.#options
    if (this.#server !== undefined) return 'ours'
    const onWatcher = (ended: Promise<unknown>): void => predecessors.addWatcher(ended)
    try {
      this.#server = await HandOverServer.listen({ ...this.#options, onWatcher })
    } catch (error) {
      return error as Error
    }
    if (this.#server === undefined) return 'taken'
    if (this.#closed.signal.aborted) this.#server.close()
    // A proof that cannot be removed does no harm, and the next proxy tries it too.
    else void proof.removeLeftovers().catch(() => undefined)
    return 'ours'
  }
}
