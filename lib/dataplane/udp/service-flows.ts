import { Counted } from '../../primitives/count-ranking.js'
import { type Held, HeldByClient } from '../limits/held-by-client.js'
import { type MemoryHolder } from '../limits/memory-pool.js'
import { DescriptorShare, type DescriptorUser, type GivenUp } from '../limits/service-shares.js'

/** How many flows with several answers give way as late as one without. */
const ASSURED_WEIGHT = 64

/**
 * Which UDP flow of a Service ends to make room: one that was answered several times, or one of the others. The others end first,
 * as in the kernel's conntrack (ASSURED), unless one client has very many of the former.
 * @param fresh flows of the client that has the most flows without several answers; 0: there are none
 * @param assured flows of the client that has the most flows with several answers
 */
export function flowKindToEnd(fresh: number, assured: number): 'fresh' | 'assured' | undefined {
  if (fresh === 0 && assured === 0) return undefined
  return assured > ASSURED_WEIGHT * fresh ? 'assured' : 'fresh'
}

/** A flow as its Service sees it; a UdpFlow is one. */
export interface ServiceFlow extends Held {
  readonly client: { readonly address: string }
  /** Milliseconds of the data plane's clock. */
  lastUsed: number
  /** How long the flow may be idle, in milliseconds; may change while it lives. */
  readonly idleTimeout: number
  /** Whether it was answered several times; see `promote`. */
  readonly isAssured: boolean
  /** Ends the flow, which removes itself from all lists. */
  end(): void
}

/** How many flows a Service has, for FlowBudget. */
export class FlowShare extends Counted {
  readonly serviceFlows: ServiceFlows

  constructor(serviceFlows: ServiceFlows) {
    super()
    this.serviceFlows = serviceFlows
  }
}

/**
 * The UDP flows of one Service, to all its listeners, by client. To make room, the flow ends that was idle longest, of the client
 * with the most; those that were answered several times end last (`flowKindToEnd`).
 */
export class ServiceFlows implements DescriptorUser, MemoryHolder {
  /** Bytes of the datagrams that its flows keep until their endpoints reply. */
  heldBytes = 0
  readonly descriptors = new DescriptorShare(this)
  readonly flowShare = new FlowShare(this)
  readonly #fresh = new HeldByClient<ServiceFlow>()
  readonly #assured = new HeldByClient<ServiceFlow>()

  /** Adds a new flow. @param now milliseconds of the data plane's clock */
  add(flow: ServiceFlow, now: number): void {
    flow.lastUsed = now
    this.#fresh.add(flow, flow.client.address)
  }

  /** A flow is used now. @param now milliseconds of the data plane's clock */
  touch(flow: ServiceFlow, now: number): void {
    flow.lastUsed = now
    this.#listOf(flow).touch(flow)
  }

  /** Takes a flow to those that were answered several times, which it calls itself right after. */
  promote(flow: ServiceFlow): void {
    this.#fresh.remove(flow)
    this.#assured.add(flow, flow.client.address)
  }

  /** Removes a flow that has ended. */
  remove(flow: ServiceFlow): void {
    this.#listOf(flow).remove(flow)
  }

  giveUpOne(): GivenUp | undefined {
    const kind = flowKindToEnd(this.#fresh.mostOfOneClient, this.#assured.mostOfOneClient)
    if (kind === undefined) return undefined
    const list = kind === 'fresh' ? this.#fresh : this.#assured
    list.firstToEnd!.end()
    return 'open'
  }

  /** A flow is cheaper to lose than a new one is to refuse, so it is any client's. */
  giveUpOneFor(): GivenUp | undefined {
    return this.giveUpOne()
  }

  /** The flows are always in order. */
  noteIdle(): void {}

  /**
   * Ends every flow that has been idle for its timeout.
   * @param now milliseconds of the data plane's clock
   * @param shortestTimeout the shortest timeout of all flows, in milliseconds
   */
  expireIdle(now: number, shortestTimeout: number): void {
    for (const list of [this.#fresh, this.#assured]) {
      list.forEachOldest(
        flow => now - flow.lastUsed >= shortestTimeout,
        flow => {
          if (now - flow.lastUsed >= flow.idleTimeout) flow.end()
        },
      )
    }
  }

  #listOf(flow: ServiceFlow): HeldByClient<ServiceFlow> {
    return flow.isAssured ? this.#assured : this.#fresh
  }
}
