import { networkInterfaces } from 'node:os'
import { type Clock } from '../../model/clock.js'
import { isLoopback } from './client-filter.js'

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
 * Bounds the clients that may be this proxy itself: their address is one of this node, or of an endpoint of the Service. An endpoint
 * may lead back to a Service in a way that this node does not know: through another program, here or on the endpoint's host, or an
 * address that has just moved here. Each round is one more client with such an address. With a bound the last one is refused, so the
 * whole chain ends.
 *
 * There is one for each process and protocol. It counts only such clients; the others cost one look-up.
 */
export class OwnClients {
  readonly #clock: Clock
  readonly #limit: number
  readonly #read: () => ReadonlySet<string>
  readonly #isExempt: (client: string) => boolean
  readonly #counts = new Map<string, number>()
  #addresses: ReadonlySet<string> = new Set()
  #readAt = -Infinity
  #used = 0

  /**
   * @param read returns the addresses of this machine
   * @param isExempt whether a client is not counted although an endpoint has its address
   */
  constructor(
    protocol: 'TCP' | 'UDP',
    descriptorLimit: number,
    clock: Clock,
    read = readAddresses,
    isExempt: (client: string) => boolean = isLoopback,
  ) {
    const limit = Math.floor(descriptorLimit * DESCRIPTOR_SHARE)
    this.#limit = protocol === 'TCP' ? limit : Math.min(limit, MAX_FLOWS)
    this.#clock = clock
    this.#read = read
    this.#isExempt = isExempt
  }

  /**
   * Counts one more client, unless it may be this proxy itself and the limit is reached.
   * @param endpoints the addresses of the endpoints of its Service
   */
  admit(client: string, endpoints: ReadonlySet<string>): boolean {
    if (!this.isEndpoint(client, endpoints) && !this.#isOwn(client)) return true
    if (this.#used >= this.#limit) return false
    this.#used++
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1)
    return true
  }

  /** Whether a client has the address of an endpoint: it may lead back to its Service, or be a Pod that uses its own Service. */
  isEndpoint(client: string, endpoints: ReadonlySet<string>): boolean {
    return endpoints.has(client) && !this.#isExempt(client)
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
