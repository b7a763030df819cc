import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { AVOID_NONE, type Target } from '../../balancer/balancer.js'
import { type EndpointLease } from '../endpoint-lease.js'
import { type DialQueue } from '../limits/dial-budget.js'
import { type PendingDial } from '../limits/dial-burst.js'
import { type ListenerContext } from '../listener-context.js'
import { isLocalResourceError, isOutOfDescriptors, isOutOfSourcePorts } from '../transport/socket-error.js'
import { type TcpSocket, type TcpSocketOwner } from '../transport/tcp-transport.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'
import { DialAttempt, type DialAttemptOwner } from './dial-attempt.js'

/** The most endpoints for one client: with thousands that refuse, one client would keep the process busy. */
const MAX_ATTEMPTS = 16

/** Owns the socket that a dial opens, and learns the result of the dial. */
export interface DialOwner extends TcpSocketOwner {
  /**
   * The endpoint took the connection; `socket` belongs to this owner now.
   * @param upstreamKey the entry of the socket in the list of upstream sockets, which the owner has to delete
   */
  onDialConnected(socket: TcpSocket, endpoint: Target, upstreamKey: UpstreamSocketKey | undefined): void
  /** The last endpoint has failed; `next` is tried now. */
  onDialRetry(error: Error | undefined, next: BalancedEndpoint): void
  /** The dial has ended. `error` is undefined without endpoints, or when the client could not wait or waited too long. */
  onDialFailed(error: Error | undefined): void
}

/**
 * Connects one client to one of the endpoints:
 *
 *     request ─▶ (waits for its turn) ─▶ (waits for others to start with) ─▶ attempts ─▶ connected
 *                        └────────────────────────────────────────────────────┴───────▶ failed
 *
 * An endpoint that refuses costs no time, so the dial tries up to sixteen different ones before it tries one of them again. An
 * endpoint that stays silent costs one timeout of the schedule: if all of them are silent, a client waits 3.75 s, as with
 * kube-proxy's userspace mode. An error of this machine ends the dial at once, since another endpoint would not help. Source ports
 * are different: each endpoint has its own, and used ones become free. So without a free port the dial tries another endpoint,
 * and when no endpoint has one, it tries again after each first time of the schedule, for as long as all of the schedule lasts: other
 * clients take what becomes free, so a few attempts far apart may all come too late. The endpoint is not to blame and stays in use.
 */
export class Dial implements PendingDial, DialAttemptOwner {
  readonly #lease: EndpointLease
  readonly #queue: DialQueue
  readonly #context: ListenerContext
  readonly #owner: DialOwner
  /** While the dial waits in the queue. */
  #cancelQueueTimeout: (() => void) | undefined
  #isInProgress = false
  #attempt: DialAttempt | undefined
  /** While the dial waits for a source port. */
  #portTimer: NodeJS.Timeout | undefined
  /** Whether an endpoint could not be tried since the last wait because no source port was free. */
  #lacksPorts = false
  #attempts = 0
  /** How many attempts there were before the last wait for a source port. */
  #earlierAttempts = 0
  #tried: BalancedEndpoint | undefined
  #timeouts = 0
  #portWaits = 0
  /** Endpoints that failed for this client. */
  #failed: Set<BalancedEndpoint> | undefined
  #lastError: Error | undefined

  /** @param queue that of the listener */
  constructor(lease: EndpointLease, queue: DialQueue, context: ListenerContext, owner: DialOwner) {
    this.#lease = lease
    this.#queue = queue
    this.#context = context
    this.#owner = owner
  }

  get client(): string {
    return this.#lease.client
  }

  /** How many endpoints were tried. */
  get attempts(): number {
    return this.#attempts
  }

  /** `ip:port` of the last of them; empty: none was. */
  get triedKey(): string {
    return this.#tried?.key ?? ''
  }

  /** Starts the dial as soon as its limits allow. It may end before this returns. */
  request(): void {
    const { dialBudget, dialBurst, clock } = this.#context
    if (dialBudget.tryStart(this.#queue) || dialBudget.tryStartAtCostOfOthers(this.#queue, this, clock.now()))
      dialBurst.add(this)
    else this.#enqueue()
  }

  onTurn(): void {
    this.#clearQueueTimeout()
    this.#context.dialBurst.add(this)
  }

  giveUpPlace(): void {
    this.#clearQueueTimeout()
    this.#context.dialBudget.giveUp(this.#queue, this)
    this.#owner.onDialFailed(undefined)
  }

  start(): void {
    this.#isInProgress = true
    this.#attempts = 0
    this.#earlierAttempts = 0
    this.#timeouts = 0
    this.#portWaits = 0
    this.#lacksPorts = false
    this.#failed = undefined
    this.#lastError = undefined
    this.#tryNext()
  }

  /** Ends the dial, wherever it is, without a call back. */
  cancel(): void {
    const { dialBudget, dialBurst } = this.#context
    if (this.#cancelQueueTimeout !== undefined) {
      this.#clearQueueTimeout()
      dialBudget.dequeue(this.#queue, this)
    } else if (this.#isInProgress) {
      this.#isInProgress = false
      this.#attempt?.cancel()
      this.#attempt = undefined
      clearTimeout(this.#portTimer)
      dialBudget.fail(this.#queue)
    } else if (dialBurst.delete(this)) {
      dialBudget.fail(this.#queue)
    }
  }

  handleConnect(attempt: DialAttempt, socket: TcpSocket): void {
    // The dial was cancelled.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    this.#isInProgress = false
    this.#lease.recordSuccess()
    socket.owner = this.#owner
    this.#owner.onDialConnected(socket, attempt.target, attempt.upstreamKey)
    this.#context.dialBudget.complete(this.#queue)
  }

  handleFailure(attempt: DialAttempt, error: Error, isTimeout: boolean): void {
    // The dial was cancelled, or the attempt has failed before.
    if (attempt !== this.#attempt) return
    this.#attempt = undefined
    if (isTimeout) this.#timeouts++
    this.#failed ??= new Set()
    this.#failed.add(attempt.target)
    this.#lastError = error
    if (isLocalResourceError(error)) this.#lease.reportLocalProblem(error)
    else this.#lease.recordFailure(error)
    if (isOutOfSourcePorts(error)) this.#lacksPorts = true
    else if (isLocalResourceError(error)) return this.#fail(error)
    this.#tryNext()
  }

  #tryNext(): void {
    const schedule = this.#context.timings.dialSchedule
    const target = this.#lease.pick(this.#failed ?? AVOID_NONE)
    if (target === undefined) return this.#fail(this.#lastError)
    const isRepeated = this.#failed?.has(target) === true
    if (isRepeated && this.#lacksPorts && this.#mayWaitForPorts()) return this.#waitForPorts()
    const maxAttempts = isRepeated ? schedule.length : MAX_ATTEMPTS
    if (this.#timeouts >= schedule.length || this.#attempts - this.#earlierAttempts >= maxAttempts)
      return this.#fail(this.#lastError)
    if (this.#attempts > 0) this.#owner.onDialRetry(this.#lastError, target)
    this.#attempts++
    this.#tried = target
    this.#attempt = new DialAttempt(this, this.#context, target, schedule[this.#timeouts]!)
  }

  /** Whether timeouts and waits have left some of the schedule's time. */
  #mayWaitForPorts(): boolean {
    const { dialSchedule } = this.#context.timings
    const left = dialSchedule.slice(this.#timeouts).reduce((sum, time) => sum + time, 0)
    return this.#portWaits * dialSchedule[0]! < left
  }

  #waitForPorts(): void {
    this.#lacksPorts = false
    this.#portWaits++
    this.#portTimer = setTimeout(() => {
      this.#failed = undefined
      this.#earlierAttempts = this.#attempts
      this.#tryNext()
    }, this.#context.timings.dialSchedule[0])
  }

  #fail(error: Error | undefined): void {
    const { dialBudget } = this.#context
    this.#isInProgress = false
    if (isOutOfDescriptors(error)) {
      // The budget had one left, but the kernel had not: other parts of this process use more. So the client waits.
      dialBudget.failWithoutDescriptor(this.#queue)
      return this.#enqueue()
    }
    dialBudget.fail(this.#queue)
    this.#owner.onDialFailed(error)
  }

  #enqueue(): void {
    const { dialBudget, clock, timings } = this.#context
    if (!dialBudget.enqueue(this.#queue, this)) return this.#owner.onDialFailed(undefined)
    this.#cancelQueueTimeout = clock.after(timings.queueTimeout, () => {
      this.#cancelQueueTimeout = undefined
      dialBudget.shed(this.#queue, this)
      this.#owner.onDialFailed(undefined)
    })
  }

  #clearQueueTimeout(): void {
    this.#cancelQueueTimeout?.()
    this.#cancelQueueTimeout = undefined
  }
}
