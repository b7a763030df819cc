import { type PortRange } from '../../model/port-range.js'
import { type ServicePortKey } from '../../model/service-port.js'

/**
 * Which proxy port each service port asks for. Without a range the kernel chooses (0). With one, numbers are given out in
 * random order, so that a port that was just released is not at once taken by another Service.
 */
export class PortAllocator {
  readonly #range: PortRange | undefined
  readonly #random: () => number
  readonly #claims = new Map<ServicePortKey, number>()
  readonly #taken = new Set<number>()
  /** Numbers that somebody else on this node holds. */
  readonly #unavailable = new Set<number>()

  constructor(range: PortRange | undefined, random: () => number) {
    this.#range = range
    this.#random = random
  }

  /** Asks for the port that a service port had before a restart, if nobody has asked for it yet and it may be used. */
  prefer(key: ServicePortKey, port: number): void {
    const inRange = this.#range === undefined || (port >= this.#range.first && port <= this.#range.last)
    const free = !this.#taken.has(port) && !this.#unavailable.has(port)
    if (inRange && free && !this.#claims.has(key)) this.#claim(key, port)
  }

  /** The number to listen on: the same as long as it is neither released nor refused. Undefined: none is left. */
  claim(key: ServicePortKey): number | undefined {
    const claimed = this.#claims.get(key)
    if (claimed !== undefined) return claimed
    if (this.#range === undefined) return 0
    const { first, last } = this.#range
    const size = last - first + 1
    const start = Math.floor(this.#random() * size)
    for (let step = 0; step < size; step++) {
      const port = first + ((start + step) % size)
      if (this.#taken.has(port) || this.#unavailable.has(port)) continue
      this.#claim(key, port)
      return port
    }
    // Whoever held the refused ones may be gone the next time.
    this.#unavailable.clear()
    return undefined
  }

  /** The claimed number could not be listened on: the next claim gives another. */
  refuse(key: ServicePortKey): void {
    const port = this.#claims.get(key)
    if (port === undefined) return
    this.release(key)
    this.#unavailable.add(port)
  }

  release(key: ServicePortKey): void {
    const port = this.#claims.get(key)
    if (port === undefined) return
    this.#claims.delete(key)
    this.#taken.delete(port)
  }

  #claim(key: ServicePortKey, port: number): void {
    this.#claims.set(key, port)
    this.#taken.add(port)
  }
}
