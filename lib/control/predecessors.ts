import { type Predecessor } from './request-hand-over.js'

/**
 * The proxies that have given way to this process and still run: they stand by. They belong to the process, not to one of its
 * generations: while this one stands by itself, and when it serves again, they still wait for its end.
 */
export class Predecessors {
  readonly #standing = new Set<Predecessor>()
  #watchers = 0

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

  /**
   * The rules of this process, or of one that it has given way to, are in the kernel. Resolves when all have released the ports of
   * health checks and metrics.
   */
  async announceServing(): Promise<void> {
    await Promise.all([...this.#standing].map(predecessor => predecessor.announceServing()))
  }

  /** This process is about to end: they may serve again. */
  release(): void {
    for (const predecessor of this.#standing) predecessor.release()
  }
}
