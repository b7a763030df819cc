import { type BudgetCounts } from './data-plane.js'
import { type DescriptorBudget } from './descriptor-budget.js'

/** Part of the limit of open files that may be dials; a dial holds two files, so all of them hold an eighth. */
const SHARE = 1 / 16
/**
 * No more than this, however many files there may be. With all endpoints silent each dial is four attempts in 3.75 s, and the
 * kernel's conntrack remembers an attempt for 120 s: 1024 dials come to 131,072 entries, which is the smallest table that
 * kube-proxy sets up (--conntrack-min), and to 1,100 attempts per second. With endpoints that answer within 10 ms they come to
 * 100,000 connections per second, more than one process makes.
 */
const MOST = 1024
/** Clients that are looked at in one go, which costs a few microseconds each. */
const MOST_LOOKS = 500

/** A client that waits for its turn. */
export interface DialWaiter {
  /** It is its turn: a dial has begun to count, and a descriptor has been taken for it. The client is in no line any more. */
  go(): void
  /** Told now and then to see whether the client is still there. */
  look(): void
}

/** What a waiter was short of when it came. */
type Lack = 'dial' | 'descriptor'

/** The clients of one listener: how many are being dialled for, and who waits, in the order they came. */
export class DialLine {
  inProgress = 0
  readonly waiting = new Map<DialWaiter, Lack>()
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
  readonly #lines = new Set<DialLine>()
  #inProgress = 0
  #waited = 0
  #shed = 0
  #isServing = false

  constructor(descriptors: DescriptorBudget) {
    this.#descriptors = descriptors
    this.#limit = Math.min(MOST, Math.max(2, Math.floor(descriptors.limit * SHARE)))
    descriptors.onGiven = () => this.#serve()
  }

  counts(): BudgetCounts {
    return { used: this.#inProgress, limit: this.#limit, waited: this.#waited, shed: this.#shed }
  }

  /** Begins to count one more dial of the listener, and takes a descriptor for it, if it may have both. */
  tryStart(line: DialLine): boolean {
    if (this.#isAtShare(line) || !this.#descriptors.tryTake()) return false
    line.inProgress++
    this.#inProgress++
    return true
  }

  /** The dial has led to a connection, which keeps the descriptor. */
  connected(line: DialLine): void {
    this.#end(line)
    this.#serve()
  }

  /** The dial has ended without a connection. */
  failed(line: DialLine): void {
    this.#end(line)
    this.#descriptors.give()
  }

  /** The dial has ended since the kernel had no descriptor left: it is nobody's turn then. */
  ranOut(line: DialLine): void {
    this.#end(line)
    this.#descriptors.giveMissing()
  }

  /** Has somebody wait who may not start. False: there are too many already, and it is counted as turned away. */
  wait(line: DialLine, waiter: DialWaiter): boolean {
    const lack: Lack = this.#isAtShare(line) ? 'dial' : 'descriptor'
    const room = lack === 'dial' ? this.#descriptors.leftForPairs : this.#descriptors.left
    if (line.waiting.size >= room) {
      this.#countShed(lack)
      return false
    }
    if (lack === 'dial') this.#waited++
    else this.#descriptors.countWaited()
    line.waiting.set(waiter, lack)
    this.#lines.add(line)
    return true
  }

  /** Somebody who waits does so no more. */
  leave(line: DialLine, waiter: DialWaiter): void {
    line.waiting.delete(waiter)
    if (line.waiting.size === 0) this.#lines.delete(line)
  }

  /** Somebody has waited too long, leaves, and is counted as turned away. */
  shed(line: DialLine, waiter: DialWaiter): void {
    this.#countShed(line.waiting.get(waiter))
    this.leave(line, waiter)
  }

  /** Has those who wait look whether their client is still there; where they are very many, those who came first. */
  look(): void {
    let looks = 0
    for (const line of [...this.#lines]) {
      for (const waiter of line.waiting.keys()) {
        if (looks++ === MOST_LOOKS) return
        waiter.look()
      }
    }
  }

  #isAtShare(line: DialLine): boolean {
    return line.inProgress >= this.#limit - this.#inProgress
  }

  #end(line: DialLine): void {
    line.inProgress--
    this.#inProgress--
  }

  #countShed(lack: Lack | undefined): void {
    if (lack === 'dial') this.#shed++
    else this.#descriptors.countShed()
  }

  /** Gives turns as long as somebody may have one. A dial that ends at once must not give the next turn from within its own. */
  #serve(): void {
    if (this.#lines.size === 0 || this.#isServing) return
    this.#isServing = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.go()
    this.#isServing = false
  }

  /** Whose turn it is; a dial has been started for it. */
  #next(): DialWaiter | undefined {
    if (this.#inProgress === this.#limit || this.#descriptors.leftForPairs <= 0) return undefined
    for (const line of this.#lines) {
      if (!this.tryStart(line)) continue
      const [waiter] = line.waiting.keys()
      this.#lines.delete(line)
      line.waiting.delete(waiter!)
      if (line.waiting.size > 0) this.#lines.add(line)
      return waiter
    }
    return undefined
  }
}
