import { type BudgetCounts } from '../data-plane.js'

/** Descriptors left alone for everything that is no connection: API watches, files, pipes to iptables, libuv itself. */
const RESERVE = 96
/** Part of the rest that pairs of sockets may use; what is above it lets clients wait for their turn. */
const PAIR_SHARE = 0.9

/**
 * Counts the file descriptors that the data plane spends, so that it never runs into the limit: at the limit the kernel
 * refuses at random, and libuv closes whoever waits.
 *
 *      0 ........................ paired ............... limit - reserve .... limit
 *        connections are served    new clients wait       new clients are      reserve
 *                                   (one descriptor each)  turned away
 *
 * It only counts; the sockets are opened and closed by those who take and give. Who waits for one stands in a line of DialBudget.
 */
export class DescriptorBudget {
  /** The process's limit of open files. */
  readonly limit: number
  /** Called whenever there may be more than before. */
  onRelease: () => void = () => undefined
  #usable = 0
  #usableForPairs = 0
  #used = 0
  #waited = 0
  #shed = 0

  /** @param limit the process's limit of open files (RLIMIT_NOFILE). */
  constructor(limit: number) {
    this.limit = limit
    this.reserve(0)
  }

  /** Leaves some more alone, for what else this process has open; what is used already is not taken back. */
  reserve(descriptors: number): void {
    this.#usable = Math.max(8, this.limit - RESERVE - descriptors)
    this.#usableForPairs = Math.floor(this.#usable * PAIR_SHARE)
    this.onRelease()
  }

  counts(): BudgetCounts {
    return { used: this.#used, limit: this.limit, waited: this.#waited, shed: this.#shed }
  }

  /** Takes note of a descriptor that exists already: a listener, or a client that was accepted. */
  countExisting(): void {
    this.#used++
  }

  /** How many are left for pairs of sockets; less than nothing when clients wait. */
  get availableForPairs(): number {
    return this.#usableForPairs - this.#used
  }

  /** How many are left for clients, if only to wait; less than nothing when one that was just noted has to be turned away. */
  get available(): number {
    return this.#usable - this.#used
  }

  /** Counts a client that waits. */
  countWaited(): void {
    this.#waited++
  }

  /** Counts a client that was turned away. */
  countShed(): void {
    this.#shed++
  }

  /** Takes one descriptor for the way to an endpoint, if there is one left for that. */
  tryAcquire(): boolean {
    if (this.#used >= this.#usableForPairs) return false
    this.#used++
    return true
  }

  /** Gives one descriptor back. */
  release(): void {
    this.#used--
    this.onRelease()
  }

  /** Gives back one that was taken but that the kernel did not have: nobody else would get it either. */
  releaseUnavailable(): void {
    this.#used--
  }
}
