import { type BudgetCounts } from '../data-plane.js'
import { type DescriptorBudget } from './descriptor-budget.js'

/** Part of the limit of open files that may be dials; a dial holds two files, so all of them hold an eighth. */
const DIAL_SHARE = 1 / 16
/**
 * No more than this, however many files there may be. With all endpoints silent each dial is four attempts in 3.75 s, and the
 * kernel's conntrack remembers an attempt for 120 s: 1024 dials come to 131,072 entries, which is the smallest table that
 * kube-proxy sets up (--conntrack-min), and to 1,100 attempts per second. With endpoints that answer within 10 ms they come to
 * 100,000 connections per second, more than one process makes.
 */
const MAX_DIALS = 1024
/** Clients that are looked at in one go, which costs a few microseconds each. */
const MAX_CHECKS_PER_SWEEP = 500

/** A client that waits for its turn. */
export interface DialWaiter {
  /** It is its turn: a dial has begun to count, and a descriptor has been taken for it. The client is in no line any more. */
  onDialGranted(): void
  /** Told now and then to see whether the client is still there. */
  checkClient(): void
}

/** What a waiter was short of when it came. */
type Shortage = 'dial' | 'descriptor'

/** The clients of one listener: how many are being dialled for, and who waits, in the order they came. */
export class DialQueue {
  inProgress = 0
  readonly waiting = new Map<DialWaiter, Shortage>()
}

/**
 * Bounds the dials that are in progress: of a Service whose endpoints are silent each client would hold two descriptors and a
 * local port for seconds, and a burst of them would leave nothing for anybody else.
 *
 * A listener may have one more dial while it has fewer than are left. So one whose endpoints are silent gets half of them, two
 * get a third each and leave a third: there is always something left for a listener that comes now, without a part set aside
 * for it, as long as there are fewer such listeners than dials. (The rule by which switches share packet memory between queues:
 * Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, 1998.)
 *
 * Above that, and when descriptors are short, clients wait: one line for each listener, in which who came first is served first.
 * The lines are served in turn. A line, too, may be as long as there are descriptors left: for pairs where it is dials that are
 * short, so that those who wait for a silent endpoint do not keep others from being served; at all where it is
 * descriptors. At the edge the newest is turned away.
 *
 * It only counts. When nobody waits, a dial costs a comparison and two counters more than that of the descriptor.
 */
export class DialBudget {
  readonly #descriptors: DescriptorBudget
  readonly #limit: number
  /** Lines in which somebody waits, with the one first whose last turn is longest ago. */
  readonly #queues = new Set<DialQueue>()
  #inProgress = 0
  #waited = 0
  #shed = 0
  #isServing = false

  constructor(descriptors: DescriptorBudget) {
    this.#descriptors = descriptors
    this.#limit = Math.min(MAX_DIALS, Math.max(2, Math.floor(descriptors.limit * DIAL_SHARE)))
    descriptors.onRelease = () => this.#serveQueues()
  }

  counts(): BudgetCounts {
    return { used: this.#inProgress, limit: this.#limit, waited: this.#waited, shed: this.#shed }
  }

  /** Begins to count one more dial of the listener, and takes a descriptor for it, if it may have both. */
  tryStart(line: DialQueue): boolean {
    if (this.#isAtShare(line) || !this.#descriptors.tryAcquire()) return false
    line.inProgress++
    this.#inProgress++
    return true
  }

  /** The dial has led to a connection, which keeps the descriptor. */
  complete(line: DialQueue): void {
    this.#end(line)
    this.#serveQueues()
  }

  /** The dial has ended without a connection. */
  fail(line: DialQueue): void {
    this.#end(line)
    this.#descriptors.release()
  }

  /** The dial has ended since the kernel had no descriptor left: it is nobody's turn then. */
  failWithoutDescriptor(line: DialQueue): void {
    this.#end(line)
    this.#descriptors.releaseUnavailable()
  }

  /** Has somebody wait who may not start. False: there are too many already, and it is counted as turned away. */
  enqueue(line: DialQueue, waiter: DialWaiter): boolean {
    const lack: Shortage = this.#isAtShare(line) ? 'dial' : 'descriptor'
    const room = lack === 'dial' ? this.#descriptors.availableForPairs : this.#descriptors.available
    if (line.waiting.size >= room) {
      this.#countShed(lack)
      return false
    }
    if (lack === 'dial') this.#waited++
    else this.#descriptors.countWaited()
    line.waiting.set(waiter, lack)
    this.#queues.add(line)
    return true
  }

  /** Somebody who waits does so no more. */
  dequeue(line: DialQueue, waiter: DialWaiter): void {
    line.waiting.delete(waiter)
    if (line.waiting.size === 0) this.#queues.delete(line)
  }

  /** Somebody has waited too long, leaves, and is counted as turned away. */
  shed(line: DialQueue, waiter: DialWaiter): void {
    this.#countShed(line.waiting.get(waiter))
    this.dequeue(line, waiter)
  }

  /** Has those who wait look whether their client is still there; where they are very many, those who came first. */
  sweep(): void {
    let looks = 0
    for (const line of [...this.#queues]) {
      for (const waiter of line.waiting.keys()) {
        if (looks++ === MAX_CHECKS_PER_SWEEP) return
        waiter.checkClient()
      }
    }
  }

  #isAtShare(line: DialQueue): boolean {
    return line.inProgress >= this.#limit - this.#inProgress
  }

  #end(line: DialQueue): void {
    line.inProgress--
    this.#inProgress--
  }

  #countShed(lack: Shortage | undefined): void {
    if (lack === 'dial') this.#shed++
    else this.#descriptors.countShed()
  }

  /** Gives turns as long as somebody may have one. A dial that ends at once must not give the next turn from within its own. */
  #serveQueues(): void {
    if (this.#queues.size === 0 || this.#isServing) return
    this.#isServing = true
    for (let next = this.#startNext(); next !== undefined; next = this.#startNext()) next.onDialGranted()
    this.#isServing = false
  }

  /** Whose turn it is; a dial has been started for it. */
  #startNext(): DialWaiter | undefined {
    if (this.#inProgress === this.#limit || this.#descriptors.availableForPairs <= 0) return undefined
    for (const line of this.#queues) {
      if (!this.tryStart(line)) continue
      const [waiter] = line.waiting.keys()
      this.#queues.delete(line)
      line.waiting.delete(waiter!)
      if (line.waiting.size > 0) this.#queues.add(line)
      return waiter
    }
    return undefined
  }
}
