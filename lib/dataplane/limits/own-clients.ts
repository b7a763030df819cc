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

/** A client that was admitted, and counts until its end if it may be this proxy itself. */
export interface AdmittedClient {
  /** The client has ended. Another call does nothing. */
  release(): void
}

const NOT_COUNTED: AdmittedClient = { release: () => undefined }

class CountedClient implements AdmittedClient {
  readonly #total: { used: number }
  #isReleased = false

  constructor(total: { used: number }) {
    this.#total = total
    total.used++
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#total.used--
  }
}

/**
 * Bounds the clients that may be this proxy itself: their address is one of this node, or of an endpoint of the Service. An endpoint
 * may lead back to a Service in a way that this node does not know: through another program, here or on the endpoint's host, or an
 * address that has just moved here. Each round is one more client with such an address. With a bound the last one is refused, so the
 * whole chain ends.
 *
 * There is one for each process and protocol. It counts only such clients; the others cost one look-up. Whether a client counts is decided
 * when it comes, and kept with its connection or flow: one address may count at a Service and not at another, and later not at all.
 */
export class OwnClients {
  readonly #clock: Clock
  readonly #limit: number
  readonly #read: () => ReadonlySet<string>
  readonly #isExempt: (client: string) => boolean
  readonly #total = { used: 0 }
  #addresses: ReadonlySet<string> = new Set()
  #readAt = -Infinity

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
   * Lets one more client in, and counts it if it may be this proxy itself. Undefined: it may be, and the limit is reached.
   * @param endpoints the addresses of the endpoints of its Service
   */
  admit(client: string, endpoints: ReadonlySet<string>): AdmittedClient | undefined {
    if (!this.isEndpoint(client, endpoints) && !this.#isOwn(client)) return NOT_COUNTED
    return this.#total.used < this.#limit ? new CountedClient(this.#total) : undefined
  }

  /** Whether a client has the address of an endpoint: it may lead back to its Service, or be a Pod that uses its own Service. */
  isEndpoint(client: string, endpoints: ReadonlySet<string>): boolean {
    return endpoints.has(client) && !this.#isExempt(client)
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
