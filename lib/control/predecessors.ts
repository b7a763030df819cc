import { type Clock } from '../model/clock.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type LineConnection } from './line-connection.js'

/** How long to wait for the ports of health checks and metrics once this proxy serves, in milliseconds. The other one may hang. */
const RELEASE_TIMEOUT_MS = 10_000

/** A proxy that has given way to this one. */
export class Predecessor {
  /** Resolves when it has ended, or after `release`. */
  readonly ended: Promise<void>
  /** Resolves when it has released the ports of health checks and metrics, or has ended. */
  readonly released: Promise<void>
  readonly #connection: LineConnection
  #isAnnounced = false

  /** @param connection on which it has agreed; see `HandOverServer` */
  constructor(connection: LineConnection) {
    this.#connection = connection
    this.ended = connection.closed
    this.released = this.#waitForRelease()
  }

  /** Reports that the rules of this proxy are in the kernel. */
  announceServing(): void {
    if (!this.#isAnnounced) this.#connection.send('serving')
    this.#isAnnounced = true
  }

  /** Lets it serve again: this proxy is about to end. */
  release(): void {
    this.#connection.end('leaving')
  }

  async #waitForRelease(): Promise<void> {
    for (let line: string | undefined = ''; line !== 'released' && line !== undefined;)
      line = await this.#connection.nextLine()
  }
}

/**
 * The proxies that have given way to this process and still run: they stand by. They belong to the process, not to one of its
 * generations: while this one stands by itself, and when it serves again, they still wait for its end.
 */
export class Predecessors {
  readonly #clock: Clock
  readonly #standing = new Set<Predecessor>()
  #watchers = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many stand by. */
  get count(): number {
    return this.#standing.size + this.#watchers
  }

  /** Another one has given way. */
  add(predecessor: Predecessor): void {
    this.#standing.add(predecessor)
    void predecessor.ended.then(() => this.#standing.delete(predecessor))
  }

  /** Another one, which had given way to one of those that gave way, stands by until this process ends. */
  addWatcher(ended: Promise<unknown>): void {
    this.#watchers++
    void ended.then(() => this.#watchers--)
  }

  /** Resolves when all have released the ports of health checks and metrics: they may do that before this process serves. */
  async whenReleased(): Promise<void> {
    await Promise.all([...this.#standing].map(({ released }) => released))
  }

  /**
   * The rules of this process, or of one that it has given way to, are in the kernel. Resolves when all have released their ports, or
   * take too long.
   */
  async announceServing(): Promise<void> {
    for (const predecessor of this.#standing) predecessor.announceServing()
    await withTimeout(this.whenReleased(), { clock: this.#clock, ms: RELEASE_TIMEOUT_MS, onTimeout: () => undefined })
  }

  /** This process is about to end: they may serve again. */
  release(): void {
    for (const predecessor of this.#standing) predecessor.release()
  }
}
