import { CountRanking } from '../../primitives/count-ranking.js'
import { type SharedBudgetCounts } from '../data-plane.js'
import { fairShareAllows, mayTake } from '../limits/fair-share.js'
import { type FlowShare, type ServiceFlow, type ServiceFlows } from './service-flows.js'

/**
 * Limits the UDP flows of one process, because each has a descriptor and a source port of the node. Each Service has a share,
 * which depends on what is free (fair-share.ts). At its share, or when nothing is free, a flow ends for each new one: of the
 * Service with the most, if the one with the new flow has far less, otherwise of that Service itself.
 */
export class FlowBudget {
  #capacity: number
  readonly #ranking = new CountRanking<FlowShare>()
  #used = 0
  #shed = 0
  #evicted = 0

  /** @param capacity the most flows */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** How many flows there are. */
  get used(): number {
    return this.#used
  }

  /** Changes the limit. Flows that are open stay open. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity
  }

  /** How many flows there are, and how many were refused or had to make room. */
  counts(): SharedBudgetCounts {
    return { used: this.#used, limit: this.#capacity, waited: 0, shed: this.#shed, evicted: this.#evicted }
  }

  /** Makes sure that a Service may have one more flow. False: it may not. */
  makeRoom({ flowShare }: ServiceFlows): boolean {
    if (fairShareAllows(flowShare.count, this.#capacity - this.#used)) return true
    const { first } = this.#ranking
    const giver = first !== undefined && mayTake(flowShare.count, first.count) ? first : flowShare
    return this.evict(giver.serviceFlows)
  }

  /** Ends the flow of a Service that is worth least. False: it has none. */
  evict(serviceFlows: ServiceFlows): boolean {
    if (serviceFlows.giveUpOne() !== undefined) {
      this.#evicted++
      return true
    }
    this.#shed++
    return false
  }

  /**
   * Makes room because the kernel has no source port for a new flow, which counts already. Until the limit is set again, flows are
   * as many as now, so that the next one does not find the same.
   * @returns whether a flow has ended
   */
  makeRoomForPort(serviceFlows: ServiceFlows): boolean {
    this.#capacity = Math.max(1, this.#used - 1)
    return this.makeRoom(serviceFlows)
  }

  /** Adds a new flow. @param now milliseconds of the data plane's clock */
  add(serviceFlows: ServiceFlows, flow: ServiceFlow, now: number): void {
    serviceFlows.add(flow, now)
    this.#ranking.increment(serviceFlows.flowShare)
    this.#used++
  }

  /** Removes a flow that has ended. */
  remove(serviceFlows: ServiceFlows, flow: ServiceFlow): void {
    serviceFlows.remove(flow)
    this.#ranking.decrement(serviceFlows.flowShare)
    this.#used--
  }
}
