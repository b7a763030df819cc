import { networkInterfaces } from 'node:os'
import { type Clock } from '../../model/clock.js'

/** How old the addresses may be that decide, in milliseconds. */
const REFRESH_MS = 1000
/** Share of the open files: a connection takes two, so at the limit half of them are left for all other clients. */
const DESCRIPTOR_SHARE = 0.25
/** The most UDP flows: half of what a process may have at all. */
const MAX_FLOWS = 8192

/** The addresses of this machine, as Node.js writes them, without loopback: no endpoint may be there. */
function readAddresses(): ReadonlySet<string> {
  try {
    const all = Object.values(networkInterfaces()).flatMap(ofInterface => ofInterface ?? [])
    return new Set(all.filter(({ internal }) => !internal).map(({ address }) => address))
  } catch {
    // No free descriptors.
    return new Set()
  }
}

/**
 * Bounds the clients that have an address of this node itself. An endpoint may lead back to a Service in a way that this node does not
 * know: through another program, or an address that has just moved here. Each round is one more client, whose address is the node's own.
 * With a bound the last one is refused, so the whole chain ends.
 *
 * There is one for each process and protocol. It counts only clients with own addresses; the others cost one look-up.
 */
export class OwnClients {
  readonly #clock: Clock
  readonly #limit: number
  readonly #read: () => ReadonlySet<string>
  readonly #counts = new Map<string, number>()
  #addresses: ReadonlySet<string> = new Set()
  #readAt = -Infinity
  #used = 0

  /** @param read returns the addresses of this machine */
  constructor(protocol: 'TCP' | 'UDP', descriptorLimit: number, clock: Clock, read = readAddresses) {
    const limit = Math.floor(descriptorLimit * DESCRIPTOR_SHARE)
    this.#limit = protocol === 'TCP' ? limit : Math.min(limit, MAX_FLOWS)
    this.#clock = clock
    this.#read = read
  }

  /** Counts one more client, unless its address is one of this node and the limit is reached. */
  admit(client: string): boolean {
    if (!this.#isOwn(client)) return true
    if (this.#used >= this.#limit) return false
    this.#used++
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1)
    return true
  }

  /** A client that was admitted has ended. */
  release(client: string): void {
    const count = this.#counts.get(client)
    if (count === undefined) return
    this.#used--
    if (count === 1) this.#counts.delete(client)
    else this.#counts.set(client, count - 1)
  }

  #isOwn(client: string): boolean {
    const now = this.#clock.now()
    if (now - this.#readAt >= REFRESH_MS) {
      const addresses = this.#read()
      if (addresses.size > 0) this.#addresses = addresses
      this.#readAt = now
    }
    return this.#addresses.has(client)
  }
}
