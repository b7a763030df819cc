import { type PortRange } from '../../model/port-range.js'
import { type ServicePortKey } from '../../model/service-port.js'

/**
 * Chooses the proxy port of each listener. Without a range the kernel chooses (0). With a range, ports are given out in
 * random order, so that a port that was just released does not go to another Service at once.
 */
export class PortAllocator {
  readonly #range: PortRange | undefined
  readonly #random: () => number
  readonly #allocated = new Map<ServicePortKey, number>()
  readonly #taken = new Set<number>()
  /** Ports that another program on this node holds. */
  readonly #unavailable = new Set<number>()

  /** Numbers that this proxy needs for something else, such as NodePorts. */
  #avoided: ReadonlySet<number> = new Set()

  /** @param random a number from 0 to below 1 */
  constructor(range: PortRange | undefined, random: () => number) {
    this.#range = range
    this.#random = random
  }

  /** Sets numbers that are given out only when no other is left. */
  avoid(numbers: ReadonlySet<number>): void {
    this.#avoided = numbers
  }

  /** Takes the port that a listener had before a restart, if it is in the range and free. */
  prefer(key: ServicePortKey, port: number): void {
    const inRange = this.#range === undefined || (port >= this.#range.first && port <= this.#range.last)
    const free = this.#isFree(port) && !this.#avoided.has(port)
    if (inRange && free && !this.#allocated.has(key)) this.#assign(key, port)
  }

  /** The port to listen on: the same until it is released or refused. Undefined: no port is left. */
  allocate(key: ServicePortKey): number | undefined {
    const allocated = this.#allocated.get(key)
    if (allocated !== undefined) return allocated
    if (this.#range === undefined) return 0
    const port = this.#findUnavoidedPort(this.#range) ?? this.#findPort(this.#range, port => this.#isFree(port))
    if (port !== undefined) this.#assign(key, port)
    // Programs that held the refused ports may be gone by the next call.
    else this.#unavailable.clear()
    return port
  }

  /** Whether a listener can get a port that is not to be avoided. */
  get hasOtherPort(): boolean {
    return this.#range === undefined || this.#findUnavoidedPort(this.#range) !== undefined
  }

  /** Reports that the allocated port is in use by another program: the next call of `allocate` gives another port. */
  refuse(key: ServicePortKey): void {
    const port = this.#allocated.get(key)
    if (port === undefined) return
    this.release(key)
    this.#unavailable.add(port)
  }

  /** Frees the port of a listener that is closed. */
  release(key: ServicePortKey): void {
    const port = this.#allocated.get(key)
    if (port === undefined) return
    this.#allocated.delete(key)
    this.#taken.delete(port)
  }

  #findUnavoidedPort(range: PortRange): number | undefined {
    return this.#findPort(range, port => this.#isFree(port) && !this.#avoided.has(port))
  }

  #findPort({ first, last }: PortRange, isUsable: (port: number) => boolean): number | undefined {
    const size = last - first + 1
    const start = Math.floor(this.#random() * size)
    for (let step = 0; step < size; step++) {
      const port = first + ((start + step) % size)
      if (isUsable(port)) return port
    }
    return undefined
  }

  #isFree(port: number): boolean {
    return !this.#taken.has(port) && !this.#unavailable.has(port)
  }

  #assign(key: ServicePortKey, port: number): void {
    this.#allocated.set(key, port)
    this.#taken.add(port)
  }
}
