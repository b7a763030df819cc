import { type UdpPeer } from '../transport/udp-transport.js'
import { type UdpFlow } from './udp-flow.js'

/** The flows of one listener by their client. Two look-ups cost a quarter of making one key of address and port. */
export class ClientFlows {
  readonly #byAddress = new Map<string, Map<number, UdpFlow>>()
  #size = 0

  /** How many flows there are. */
  get size(): number {
    return this.#size
  }

  /** The flow of a client, if it has one. */
  get({ address, port }: UdpPeer): UdpFlow | undefined {
    return this.#byAddress.get(address)?.get(port)
  }

  /** Adds the flow of a client that has none. */
  add(flow: UdpFlow): void {
    const { address, port } = flow.client
    const byPort = this.#byAddress.get(address)
    if (byPort === undefined) this.#byAddress.set(address, new Map([[port, flow]]))
    else byPort.set(port, flow)
    this.#size++
  }

  /** Removes a flow that has ended. */
  delete(flow: UdpFlow): void {
    const { address, port } = flow.client
    const byPort = this.#byAddress.get(address)
    if (byPort?.delete(port) !== true) return
    this.#size--
    if (byPort.size === 0) this.#byAddress.delete(address)
  }

  /** All flows. One may end, and leave, during the loop. */
  *values(): Generator<UdpFlow> {
    for (const byPort of this.#byAddress.values()) yield* byPort.values()
  }

  /** The client address of each flow. */
  *clientAddresses(): Generator<string> {
    for (const [address, byPort] of this.#byAddress) for (let rest = byPort.size; rest > 0; rest--) yield address
  }
}
