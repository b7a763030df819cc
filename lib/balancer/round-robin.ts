import { hostPort } from '../model/address.js'
import { type Balancer, NONE_TO_AVOID, type Target } from './balancer.js'

/** Each endpoint in turn. */
export class RoundRobin implements Balancer {
  #targets: readonly Target[] = []
  #keys: readonly string[] = []
  #next: number

  /**
   * @param start where in the first list to begin. Give a random number: kube-proxy shuffles the list so that the nodes
   *   of a cluster do not all start with the same Pod; a random start serves the same end and keeps the order readable.
   */
  constructor(start: number) {
    this.#next = start
  }

  pick(_client: string, _now: number, avoid: ReadonlySet<string> = NONE_TO_AVOID): Target | undefined {
    const count = this.#targets.length
    if (count === 0) return undefined
    const first = this.#next % count
    for (let step = 0; avoid.size > 0 && step < count; step++) {
      const index = (first + step) % count
      if (!avoid.has(this.#keys[index]!)) return this.#take(index)
    }
    return this.#take(first)
  }

  /**
   * Goes on with the endpoint whose turn it was, or, if that one is gone, with the first one after it that stayed: a list
   * that changes many times a second must not favour its head.
   */
  replace(targets: readonly Target[]): void {
    const keys = targets.map(target => hostPort(target.ip, target.port))
    const count = this.#keys.length
    if (count > 0) {
      const places = new Map(keys.map((key, index) => [key, index]))
      const first = this.#next % count
      let place: number | undefined
      for (let step = 0; step < count && place === undefined; step++) {
        place = places.get(this.#keys[(first + step) % count]!)
      }
      this.#next = place ?? this.#next
    }
    this.#targets = targets
    this.#keys = keys
  }

  #take(index: number): Target {
    this.#next = index + 1
    return this.#targets[index]!
  }
}
