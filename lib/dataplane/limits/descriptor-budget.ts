import { CountRanking } from '../../primitives/count-ranking.js'
import { type SharedBudgetCounts } from '../data-plane.js'
import { fairShareAllows, mayTake } from './fair-share.js'
import { type DescriptorShare, type GivenUp } from './service-shares.js'
import { mostListeners, noDescriptorForListener, usableDescriptors } from './usable-descriptors.js'

/** Share of the usable descriptors for pairs of sockets. What is above it is for clients that wait for their turn. */
const PAIR_SHARE = 0.9
/** How many Services are asked to give up something, those with the most descriptors first. */
const MAX_ASKED = 8
/** With less than this part free, the budget keeps note of which connections are idle. */
const SHORT_PART = 0.25

/**
 * Counts the file descriptors of the data plane, so that it never reaches the limit: there the kernel refuses sockets at
 * random, and libuv closes clients that wait.
 *
 *      0 ........................ pairs ................ limit - reserve .... limit
 *        connections are served    new clients wait       new clients are      reserve
 *                                   (one descriptor each)  turned away
 *
 * Each Service has a share, for TCP and for UDP, which depends on what is free (fair-share.ts). A Service that needs a descriptor
 * and has far less than the greediest one gets it from there: the greediest ends what is worth least. A connection whose sender is gone
 * ends before that.
 *
 * It only counts. Its users open and close the sockets; clients that wait for a descriptor wait in a queue of DialBudget.
 */
export class DescriptorBudget {
  /** How many descriptors connections may have: the process's limit of open files, or what memory allows. */
  readonly limit: number
  /** Called whenever more descriptors may be available than before. */
  onRelease: () => void = () => undefined
  /**
   * Ends an open connection, of any Service, whose sender is gone, if it moves no bytes. Called before any Service is asked to give up
   * something. @returns whether there was one
   */
  endWithoutSender: () => boolean = () => false
  readonly #ranking = new CountRanking<DescriptorShare>()
  readonly #openFiles: number
  readonly #forConnections: number
  #reserved = 0
  #usable = 0
  #usableForPairs = 0
  #used = 0
  #listeners = 0
  #waited = 0
  #shed = 0
  #evicted = 0

  /**
   * @param openFiles the process's limit of open files (RLIMIT_NOFILE)
   * @param forConnections how many of them connections may have, if memory allows fewer; listeners hold no data
   */
  constructor(openFiles: number, forConnections = openFiles) {
    this.#openFiles = openFiles
    this.#forConnections = forConnections
    this.limit = Math.min(openFiles, forConnections)
    this.reserve(0)
  }

  /** Reserves more descriptors for other parts of this process. Sockets that are open already stay open. */
  reserve(descriptors: number): void {
    this.#reserved = descriptors
    this.#updateUsable()
    this.onRelease()
  }

  #updateUsable(): void {
    const files = usableDescriptors(this.#openFiles, this.#reserved)
    this.#usable = Math.min(files, this.#forConnections + this.#listeners)
    const forPairs = Math.floor(this.#forConnections * PAIR_SHARE) + this.#listeners
    this.#usableForPairs = Math.min(Math.floor(files * PAIR_SHARE), forPairs)
  }

  /** How many descriptors are in use, and how many clients had to wait, were turned away, or had to make room. */
  counts(): SharedBudgetCounts {
    return { used: this.#used, limit: this.limit, waited: this.#waited, shed: this.#shed, evicted: this.#evicted }
  }

  /** Takes a descriptor for a listener. @throws an error with the code EMFILE if listeners have their part already */
  addListener(): void {
    const most = mostListeners(usableDescriptors(this.#openFiles, this.#reserved))
    if (this.#listeners >= most) throw noDescriptorForListener(most)
    this.#listeners++
    this.#used++
    this.#updateUsable()
  }

  /** Gives the descriptor of a listener back. */
  removeListener(): void {
    this.#listeners--
    this.#used--
    this.#updateUsable()
    this.onRelease()
  }

  /** Counts a descriptor that exists already: that of a client that was accepted. */
  countExisting(share: DescriptorShare): void {
    this.#used++
    this.#ranking.increment(share)
  }

  /** How many are left for pairs of sockets; negative when clients wait. */
  get availableForPairs(): number {
    return this.#usableForPairs - this.#used
  }

  /** How many are left for clients, even if they only wait; negative when the client that came last has to be turned away. */
  get available(): number {
    return this.#usable - this.#used
  }

  /** The share that uses the most descriptors. */
  get greediest(): DescriptorShare | undefined {
    return this.#ranking.first
  }

  /** Counts a client that has to wait. */
  countWaited(): void {
    this.#waited++
  }

  /** Counts a client that was turned away. */
  countShed(): void {
    this.#shed++
  }

  /** Whether a share may have one descriptor more for a socket to an endpoint. */
  mayAcquire(share: DescriptorShare): boolean {
    return fairShareAllows(share.count, this.availableForPairs)
  }

  /** Whether a share has its part of all, so that more of its clients that wait would keep those of others from waiting. */
  hasItsPart(share: DescriptorShare): boolean {
    return !fairShareAllows(share.count, this.available)
  }

  /** Whether another share has its part of all, and this one has so much less that it may take from that. */
  hasFarLess(share: DescriptorShare): boolean {
    const { greediest } = this
    return greediest !== undefined && this.hasItsPart(greediest) && mayTake(share.count, greediest.count)
  }

  /** Takes one descriptor for a socket to an endpoint, if there is one left for that. */
  tryAcquire(share: DescriptorShare): boolean {
    if (!this.mayAcquire(share)) return false
    this.countExisting(share)
    return true
  }

  /**
   * Takes one descriptor that something less valuable gives up: of the greediest Services, or of another client of this one.
   * To be called when `tryAcquire` has failed. The descriptor may come from those for clients that wait, until the other socket
   * is closed.
   * @param now milliseconds of the data plane's clock
   */
  acquireFromOthers(share: DescriptorShare, client: string, now: number): boolean {
    const givenUp = this.available <= 0 ? undefined : this.#makeRoom(share, client, now)
    if (givenUp === undefined) return false
    // The client whose place it was counts as turned away already.
    if (givenUp === 'open') this.#evicted++
    this.countExisting(share)
    return true
  }

  /** Looks again which connections are idle, if descriptors are getting short. To be called now and then. */
  sweep(now: number): void {
    if (this.availableForPairs >= SHORT_PART * this.#usableForPairs) return
    for (const { user } of this.#ranking.top(MAX_ASKED)) user.noteIdle(now)
  }

  /** Gives one descriptor back, so that a client that waits may have it. */
  release(share: DescriptorShare): void {
    this.releaseUnavailable(share)
    this.onRelease()
  }

  /** Gives one descriptor back that the kernel did not have: no other client would get it either. */
  releaseUnavailable(share: DescriptorShare): void {
    this.#used--
    this.#ranking.decrement(share)
  }

  #makeRoom(share: DescriptorShare, client: string, now: number): GivenUp | undefined {
    if (this.endWithoutSender()) return 'open'
    for (const other of this.#ranking.top(MAX_ASKED)) {
      if (!mayTake(share.count, other.count)) break
      const givenUp = other === share ? undefined : other.user.giveUpOne(now)
      if (givenUp !== undefined) return givenUp
    }
    return share.user.giveUpOneFor(client, now)
  }
}
