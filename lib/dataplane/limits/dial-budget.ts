import { type BudgetCounts } from '../data-plane.js'
import { type DescriptorBudget } from './descriptor-budget.js'
import { type PendingDial } from './dial-burst.js'
import { type DescriptorShare } from './service-shares.js'

/** Share of the limit of open files that may be dials. A dial holds two files, so all dials hold an eighth. */
const DIAL_SHARE = 1 / 16
/**
 * The most dials of all processes together, however many files may be open. When all endpoints are silent, each dial makes four attempts in 3.75 s, and
 * the kernel's conntrack remembers an attempt for 120 s. So 1024 dials make 1,100 attempts per second and 131,072 entries, which
 * is the smallest table that kube-proxy sets up (--conntrack-min). When endpoints answer within 10 ms, 1024 dials allow 100,000
 * connections per second, more than a process can make.
 */
const MAX_DIALS = 1024

/** The most clients that one sweep starts at the cost of others. */
const MAX_TAKEN_PER_SWEEP = 64

/** What a client lacked when it began to wait: a dial, a descriptor that its Service may have, or any descriptor. */
type Shortage = 'dial' | 'share' | 'descriptor'

/** The dials of one listener: how many are in progress, and which ones wait, in the order of their clients' arrival. */
export class DialQueue {
  inProgress = 0
  readonly waiting = new Map<PendingDial, Shortage>()
  /** The descriptors of the listener's Service. */
  readonly share: DescriptorShare

  constructor(share: DescriptorShare) {
    this.share = share
  }
}

/**
 * Limits the dials in progress. Without a limit, each client of silent endpoints would hold two descriptors and a local port
 * for seconds, and a burst of such clients would leave nothing for other Services.
 *
 * A listener may start a dial while it has fewer in progress than are left. So one listener with silent endpoints gets half of
 * the dials; two get a third each and leave a third. Some are always left for a listener that comes now, without a reserve, as
 * long as there are fewer such listeners than dials. (Switches share packet memory between queues by the same rule: Choudhury
 * and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, 1998.)
 *
 * Above that, and when descriptors are short, clients wait. Each listener has a queue, first come, first served; the queues take
 * turns. A queue may be as long as there are descriptors left: those for pairs when dials are short or the Service has its share
 * of descriptors, so that its clients do not keep other clients from being served; all of them when descriptors are short, or when
 * the Service has far less than another. When a queue is full, the newest client is turned away. A client that waits is worth less
 * than a connection: it is the first to give way when another Service lacks a descriptor.
 *
 * The budget only counts. While no client waits, a dial costs one comparison and two counters, besides its descriptor.
 */
export class DialBudget {
  readonly #descriptors: DescriptorBudget
  readonly #limit: number
  /** Queues with waiting dials, the one with the longest time since its last turn first. */
  readonly #queues = new Set<DialQueue>()
  #inProgress = 0
  #waited = 0
  #shed = 0
  #isServing = false

  /** @param processes how many processes of this proxy dial: conntrack has one table for all of them */
  constructor(descriptors: DescriptorBudget, processes = 1) {
    this.#descriptors = descriptors
    this.#limit = Math.max(2, Math.floor(Math.min(MAX_DIALS / processes, descriptors.limit * DIAL_SHARE)))
    descriptors.onRelease = () => this.#serveQueues()
  }

  /** How many dials are in progress, and how many clients had to wait or were turned away. */
  counts(): BudgetCounts {
    return { used: this.#inProgress, limit: this.#limit, waited: this.#waited, shed: this.#shed }
  }

  /** Counts one more dial of the listener and takes a descriptor for it, if both are available. */
  tryStart(queue: DialQueue): boolean {
    if (this.#isAtShare(queue) || !this.#descriptors.tryAcquire(queue.share)) return false
    this.#begin(queue)
    return true
  }

  /** Does the same for one that could not start, if others have far more descriptors and can end something. */
  tryStartAtCostOfOthers(queue: DialQueue, dial: PendingDial, now: number): boolean {
    const started = this.#holdTurns(() => this.#startAtCostOfOthers(queue, dial, now))
    this.#serveQueues()
    return started
  }

  /** The dial has ended with a connection, which keeps the descriptor. */
  complete(queue: DialQueue): void {
    this.#end(queue)
    this.#serveQueues()
  }

  /** The dial has ended without a connection. */
  fail(queue: DialQueue): void {
    this.#end(queue)
    this.#descriptors.release(queue.share)
  }

  /** The dial has ended because the kernel had no descriptor left. So no other client gets a turn now. */
  failWithoutDescriptor(queue: DialQueue): void {
    this.#end(queue)
    this.#descriptors.releaseUnavailable(queue.share)
  }

  /** Adds a dial that could not start to the queue. False: the queue is full, and the client counts as turned away. */
  enqueue(queue: DialQueue, dial: PendingDial): boolean {
    const { availableForPairs, available } = this.#descriptors
    const shortage = this.#isAtShare(queue) ? 'dial' : this.#isShareShort(queue) ? 'share' : 'descriptor'
    const mayUseAll = shortage === 'descriptor' || this.#descriptors.hasFarLess(queue.share)
    const room = mayUseAll ? available : availableForPairs
    if (queue.waiting.size >= room) {
      this.#countShed(shortage)
      return false
    }
    if (shortage === 'dial') this.#waited++
    else this.#descriptors.countWaited()
    queue.waiting.set(dial, shortage)
    this.#queues.add(queue)
    return true
  }

  /** Removes a dial whose client is gone from the queue. */
  dequeue(queue: DialQueue, dial: PendingDial): void {
    queue.waiting.delete(dial)
    if (queue.waiting.size === 0) this.#queues.delete(queue)
  }

  /** Removes a dial from the queue that has waited too long; its client counts as turned away. */
  shed(queue: DialQueue, dial: PendingDial): void {
    this.#countShed(queue.waiting.get(dial))
    this.dequeue(queue, dial)
  }

  /** Removes a dial from the queue that gives up its place for a descriptor; its client counts as turned away for the lack of one. */
  giveUp(queue: DialQueue, dial: PendingDial): void {
    this.#descriptors.countShed()
    this.dequeue(queue, dial)
  }

  /**
   * Starts the clients that may have descriptors of others, where something has become idle meanwhile.
   * @param now milliseconds of the data plane's clock
   */
  sweep(now: number): void {
    this.#holdTurns(() => this.#sweepQueues(now))
    this.#serveQueues()
  }

  #sweepQueues(now: number): void {
    let taken = 0
    for (const queue of [...this.#queues]) {
      for (const dial of queue.waiting.keys()) {
        if (taken++ === MAX_TAKEN_PER_SWEEP) return
        if (!this.#startAtCostOfOthers(queue, dial, now)) break
        this.dequeue(queue, dial)
        dial.onTurn()
      }
    }
  }

  #startAtCostOfOthers(queue: DialQueue, dial: PendingDial, now: number): boolean {
    if (this.#isAtShare(queue) || !this.#descriptors.acquireFromOthers(queue.share, dial.client, now)) return false
    this.#begin(queue)
    return true
  }

  /**
   * Gives no turns during `action`. What makes room closes sockets, often at once, and the turn that follows from that would go to a
   * dial that is being started here, which would start twice.
   */
  #holdTurns<T>(action: () => T): T {
    if (this.#isServing) return action()
    this.#isServing = true
    try {
      return action()
    } finally {
      this.#isServing = false
    }
  }

  #isAtShare(queue: DialQueue): boolean {
    return queue.inProgress >= this.#limit - this.#inProgress
  }

  #isShareShort({ share }: DialQueue): boolean {
    return this.#descriptors.availableForPairs > 0 || this.#descriptors.hasItsPart(share)
  }

  #begin(queue: DialQueue): void {
    queue.inProgress++
    this.#inProgress++
  }

  #end(queue: DialQueue): void {
    queue.inProgress--
    this.#inProgress--
  }

  #countShed(shortage: Shortage | undefined): void {
    if (shortage === 'dial') this.#shed++
    else this.#descriptors.countShed()
  }

  /** Gives turns while there are any to give. A dial that ends at once must not give the next turn from within its own. */
  #serveQueues(): void {
    if (this.#queues.size === 0 || this.#isServing) return
    this.#holdTurns(() => {
      for (let next = this.#startNext(); next !== undefined; next = this.#startNext()) next.onTurn()
    })
  }

  /** Takes the next dial off its queue, and counts it as in progress. */
  #startNext(): PendingDial | undefined {
    if (this.#inProgress === this.#limit || this.#descriptors.availableForPairs <= 0) return undefined
    for (const queue of this.#queues) {
      if (!this.tryStart(queue)) continue
      const [dial] = queue.waiting.keys()
      this.#queues.delete(queue)
      queue.waiting.delete(dial!)
      if (queue.waiting.size > 0) this.#queues.add(queue)
      return dial
    }
    return undefined
  }
}
