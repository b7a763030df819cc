import { type BudgetCounts } from '../data-plane.js'

/** Descriptors for everything but connections: API watches, files, pipes to iptables, libuv itself. */
const RESERVE = 96
/** Share of the rest for pairs of sockets. What is above it is for clients that wait for their turn. */
const PAIR_SHARE = 0.9

/**
 * Counts the file descriptors of the data plane, so that it never reaches the limit: there the kernel refuses sockets at
 * random, and libuv closes clients that wait.
 *
 *      0 ........................ pairs ................ limit - reserve .... limit
 *        connections are served    new clients wait       new clients are      reserve
 *                                   (one descriptor each)  turned away
 *
 * It only counts. Its users open and close the sockets; clients that wait for a descriptor wait in a queue of DialBudget.
 */
export class DescriptorBudget {
  /** The process's limit of open files. */
  readonly limit: number
  /** Called whenever more descriptors may be available than before. */
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

  /** Reserves more descriptors for other parts of this process. Sockets that are open already stay open. */
  reserve(descriptors: number): void {
    this.#usable = Math.max(8, this.limit - RESERVE - descriptors)
    this.#usableForPairs = Math.floor(this.#usable * PAIR_SHARE)
    this.onRelease()
  }

  /** How many descriptors are in use, and how many clients had to wait or were turned away. */
  counts(): BudgetCounts {
    return { used: this.#used, limit: this.limit, waited: this.#waited, shed: this.#shed }
  }

  /** Counts a descriptor that exists already: a listener, or a client that was accepted. */
  countExisting(): void {
    this.#used++
  }

  /** How many are left for pairs of sockets; negative when clients wait. */
  get availableForPairs(): number {
    return this.#usableForPairs - this.#used
  }

  /** How many are left for clients, even if they only wait; negative when the client that came last has to be turned away. */
  get available(): number {
    return this.#usable - this.#used
  }

  /** Counts a client that has to wait. */
  countWaited(): void {
    this.#waited++
  }

  /** Counts a client that was turned away. */
  countShed(): void {
    this.#shed++
  }

  /** Takes one descriptor for a socket to an endpoint, if there is one left for that. */
  tryAcquire(): boolean {
    if (this.#used >= this.#usableForPairs) return false
    this.#used++
    return true
  }

  /** Gives one descriptor back, so that a client that waits may have it. */
  release(): void {
    this.#used--
    this.onRelease()
  }

  /** Gives one descriptor back that the kernel did not have: no other client would get it either. */
  releaseUnavailable(): void {
    this.#used--
  }
}
