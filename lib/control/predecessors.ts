import { type Clock } from '../model/clock.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type Predecessor } from './predecessor.js'

/** How long to wait for the ports of health checks and metrics once this proxy serves, in milliseconds. The other one may hang. */
const RELEASE_TIMEOUT_MS = 10_000

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

  /** Those that have given way to this process itself. */
  get standing(): Iterable<Predecessor> {
    return this.#standing
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
