import { messageOf } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { pause } from '../primitives/pause.js'
import { type Answer, type Demand, askServer } from './ask-server.js'
import { type HandOverProof } from './hand-over-proof.js'
import { HandOverServer, type SuccessorCallbacks } from './hand-over-server.js'
import { LineConnection } from './line-connection.js'
import { Predecessor, type Predecessors } from './predecessors.js'
import { standBehind } from './stand-behind.js'

/** How long to wait until another proxy gives way, in milliseconds. It must at most finish a write of rules. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often to ask again, and how often a proxy that serves without a hand-over asks again. In milliseconds. */
const RETRY_MS = 200
const LATE_RETRY_MS = 5000
/**
 * How long a proxy that has taken over may need until its rules are in the kernel, in milliseconds. Then it ends, so that the other one
 * serves again: less than the time after which that one no longer vouches for it (`SUCCESSOR_LATE_MS`).
 */
export const TAKE_OVER_TIMEOUT_MS = 45_000
/** How long the rules that were read at the start are trusted if no other proxy had the name then. In milliseconds. */
const MAX_READ_AGE_MS = 5000

/** Why no other proxy has given way. */
const REASONS: Readonly<Record<Exclude<Answer, LineConnection | Error | 'serves on'>, string>> = {
  absent: 'It does not reply',
  lost: 'It does not reply',
  refused: 'It refuses to give way',
  unproven: 'The process that has its name does not show that it may write rules',
}

/** What an attempt to get the name has come to. */
type NameOutcome =
  | 'ours'
  /** This proxy is older than the one that serves: it must stand by. */
  | 'serves on'
  | { readonly message: string; readonly reason: string }

/** What a log says if another proxy did not give way, or if this one could not ask it. */
const DID_NOT_GIVE_WAY = 'Another kube-proxy seems to serve this node and did not give way; serving without a hand-over'
const CANNOT_ASK = 'Cannot ask whether another kube-proxy serves this node; serving without a hand-over'

/** What happens to a proxy because of another one. */
export interface HandOverCallbacks extends SuccessorCallbacks {
  /** Another proxy serves on, and the turn of this one has not come: it stands by. */
  readonly onOtherServes: () => Promise<void>
}

export interface HandOverOptions {
  readonly address: string
  readonly proof: HandOverProof
  readonly predecessors: Predecessors
  /** Called when another proxy takes over from this one, or serves on. */
  readonly successor: HandOverCallbacks
  /** Whether this process has given way before: then it takes over only from a proxy that is about to end. */
  readonly isAgain: boolean
  /** Whether another process had the name when this proxy started. */
  readonly isNameTaken: boolean
  /** The ports of health checks and metrics can be free. */
  readonly onPortsFree: () => void
  readonly clock: Clock
  readonly log: Log
}

/** Who must know when the turn of this proxy comes. */
export interface TurnSubscriber {
  /** Another proxy may have written rules since this one has read them: reads them again. */
  readonly onStaleRules: () => Promise<void>
  /** This proxy may open its ports and write its rules. */
  readonly onTurn: () => void
  /** Another one has given way to this proxy, or would serve instead of it, and its rules are not in the kernel in time. */
  readonly onLate: () => void
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
  readonly #options: HandOverOptions
  readonly #createdAt: number
  readonly #stop = new AbortController()
  readonly #serves = new AbortController()
  #isRequested = false
  #isOurTurn = false
  /** Whether the time has begun in which this proxy has to serve. */
  #isTimeLimited = false
  /** Whether another proxy has given way to this one. */
  #hasPredecessor = false
  #server: HandOverServer | undefined
  #subscriber: TurnSubscriber | undefined

  constructor(options: HandOverOptions) {
    this.#options = options
    this.#createdAt = options.clock.now()
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
    void this.#options.predecessors.announceServing().then(this.#options.onPortsFree)
  }

  /** This proxy is about to end: those that gave way to it may serve again, and still ask before they do. */
  release(): void {
    this.#server?.announceLeaving()
    this.#options.predecessors.release()
  }

  /** Waits while another proxy serves; see `standBehind`. Never rejects. */
  async standBehind(onServing: (isServing: boolean) => void, stop: AbortSignal): Promise<void> {
    const { address, proof, clock, log } = this.#options
    const problem = new OnceReporter()
    const onFailure = (error: Error): void => {
      problem.updateOne(error.message, () => log.error('Cannot wait for the other kube-proxy; trying again', error))
    }
    try {
      await standBehind({ address, proof, demand: 'stand by', onServing, onFailure, clock, stop })
    } catch (error) {
      log.error('Cannot wait for the other kube-proxy', error)
    }
  }

  /** Frees the name. */
  close(): void {
    this.#stop.abort()
    this.#server?.close()
  }

  async #request(): Promise<void> {
    const { clock, log, predecessors, successor, isAgain, isNameTaken, onPortsFree } = this.#options
    const outcome = await this.#takeName(isAgain ? 'serve again' : 'take over')
    if (this.#stop.signal.aborted) return
    if (outcome === 'serves on') {
      log.info(0, 'A newer kube-proxy serves this node: standing by behind it')
      return successor.onOtherServes()
    }
    if (outcome !== 'ours') {
      const { message, reason } = outcome
      log.warn(message, { reason })
      void this.#retry()
    }
    const isFresh = clock.now() - this.#createdAt < MAX_READ_AGE_MS
    if (this.#hasPredecessor || isNameTaken || !isFresh) await this.#subscriber?.onStaleRules()
    if (this.#stop.signal.aborted) return
    this.#isOurTurn = true
    this.#subscriber?.onTurn()
    if (this.#hasPredecessor) this.#limitTime()
    void predecessors.whenReleased().then(onPortsFree)
  }

  /** There is another proxy that could serve. The time counts from the first one, which relies on it. */
  #limitTime(): void {
    if (this.#isTimeLimited) return
    this.#isTimeLimited = true
    const checkServing = (): void => {
      if (!this.#serves.signal.aborted && !this.#stop.signal.aborted) this.#subscriber?.onLate()
    }
    this.#options.clock.after(TAKE_OVER_TIMEOUT_MS, checkServing, { keepsAlive: false })
  }

  /** Asks again until the name is free or the other proxy gives way, while this one serves. */
  async #retry(): Promise<void> {
    const { clock, predecessors } = this.#options
    do await pause(clock, LATE_RETRY_MS, this.#stop.signal, { keepsAlive: false })
    while (
      // Also if this process has given way before: of two that write rules, the one that asks first goes on.
      !this.#stop.signal.aborted &&
      (await this.#takeName('take over')) !== 'ours'
    )
    if (this.#stop.signal.aborted || !this.#hasPredecessor) return
    await this.#subscriber?.onLateHandOver()
    if (this.#serves.signal.aborted) await predecessors.announceServing()
  }

  /** Gets the name, if another proxy has it by a hand-over. */
  async #takeName(demand: Demand): Promise<NameOutcome> {
    const { clock } = this.#options
    const timeout = new AbortController()
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const signal = AbortSignal.any([timeout.signal, this.#stop.signal])
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
    const { address, proof, predecessors, successor, clock, log } = this.#options
    if (this.#server !== undefined) return 'ours'
    const onWatcher = (ended: Promise<unknown>): void => predecessors.addWatcher(ended)
    const onDecline = (): void => this.#limitTime()
    const serves = this.#serves.signal
    try {
      this.#server = await HandOverServer.listen({
        address,
        proof,
        successor,
        onWatcher,
        onDecline,
        serves,
        clock,
        log,
      })
    } catch (error) {
      return error as Error
    }
    if (this.#server === undefined) return 'taken'
    if (this.#stop.signal.aborted) this.#server.close()
    // A proof that cannot be removed does no harm, and the next proxy tries it too.
    else void proof.removeLeftovers().catch(() => undefined)
    return 'ours'
  }
}
