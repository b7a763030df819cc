/** The first address of the network of Pods is that of the node; the last is for broadcasts. */
const FIRST = 2
const LAST = 254

/**
 * The last parts of the addresses of Pods. A number that was released comes again as late as possible: what still remembers the Pod that
 * had the address, such as an ejection, has forgotten it then.
 */
export class PodNumbers {
  readonly #used = new Set<number>()
  #last = FIRST - 1

  /** @throws Error if all are in use */
  take(): number {
    for (let tries = FIRST; tries <= LAST; tries++) {
      this.#last = this.#last === LAST ? FIRST : this.#last + 1
      if (this.#used.has(this.#last)) continue
      this.#used.add(this.#last)
      return this.#last
    }
    throw new Error(`The demo has ${this.#used.size} Pods, and no address for another one: scale down first`)
  }

  /** The Pod with this number is gone. */
  release(number: number): void {
    this.#used.delete(number)
  }
}
