import { type Clock } from '../model/clock.js'

/** Remembers when the server last confirmed each of several things, and how old the oldest confirmation is. */
export class Freshness<Name extends string> {
  readonly #clock: Clock
  readonly #confirmedAt: Map<Name, number>

  /** Everything counts as confirmed now. */
  constructor(clock: Clock, names: readonly Name[]) {
    this.#clock = clock
    this.#confirmedAt = new Map(names.map(name => [name, clock.now()]))
  }

  /** What is known of this is the current state. */
  confirm(name: Name): void {
    this.#confirmedAt.set(name, this.#clock.now())
  }

  /** Milliseconds since all of them were confirmed. */
  get ageMs(): number {
    return this.#clock.now() - Math.min(...this.#confirmedAt.values())
  }
}
