import { type DescriptorCounts } from './data-plane.js'

/** Descriptors left alone for everything that is no connection: API watches, files, pipes to iptables, libuv itself. */
const RESERVE = 96
/** Part of the rest that pairs of sockets may use; what is above it lets clients wait for their turn. */
const PAIRED_SHARE = 0.9

interface Waiter {
  readonly go: () => void
}

/**
 * Counts the file descriptors that the data plane spends, so that it never runs into the limit: at the limit the kernel
 * refuses at random, and libuv closes whoever waits.
 *
 *      0 ........................ paired ............... limit - reserve .... limit
 *        connections are served    new clients wait       new clients are      reserve
 *                                   (one descriptor each)  turned away
 *
 * It only counts; the sockets are opened and closed by those who take and give.
 */
export class DescriptorBudget {
  readonly #limit: number
  #usable = 0
  #paired = 0
  readonly #waiters = new Set<Waiter>()
  #used = 0
  #waited = 0
  #shed = 0

  /** @param limit the process's limit of open files (RLIMIT_NOFILE). */
  constructor(limit: number) {
    this.#limit = limit
    this.reserve(0)
  }

  /** Leaves some more alone, for what else this process has open; what is used already is not taken back. */
  reserve(descriptors: number): void {
    this.#usable = Math.max(8, this.#limit - RESERVE - descriptors)
    this.#paired = Math.floor(this.#usable * PAIRED_SHARE)
  }

  counts(): DescriptorCounts {
    return { used: this.#used, limit: this.#limit, waited: this.#waited, shed: this.#shed }
  }

  /** Takes note of a descriptor that exists already: a listener, or a client that was accepted. */
  note(): void {
    this.#used++
  }

  /** Whether a client that was just accepted and noted has to be turned away. */
  get exhausted(): boolean {
    return this.#used > this.#usable
  }

  /** Counts a client that was turned away. */
  countShed(): void {
    this.#shed++
  }

  /** Takes one descriptor for the way to an endpoint, if there is one left for that. */
  tryTake(): boolean {
    if (this.#used >= this.#paired) return false
    this.#used++
    return true
  }

  /** Calls `go` once a descriptor could be taken for it; the returned function gives up waiting. First come, first served. */
  waitToTake(go: () => void): () => void {
    const waiter = { go }
    this.#waited++
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  /** Gives one descriptor back. */
  give(): void {
    this.#used--
    const next = this.#waiters.values().next()
    if (next.done === true || !this.tryTake()) return
    this.#waiters.delete(next.value)
    next.value.go()
  }
}
