import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type Conntrack, FLOW_PROTOCOLS, type FlowProtocol } from '../system/conntrack.js'
import { deleteStaleFlows } from './delete-stale-flows.js'
import { type ExpectedFlows, type FlowAddress, flowAddressKey } from './stale-flows.js'

/** Which flows a change of rules concerns. */
export interface FlowChange extends Pick<ExpectedFlows, 'removed'> {
  /** The protocols whose flows may be stale. Listing those of TCP costs a pass through all connections of the node. */
  readonly protocols: readonly FlowProtocol[]
  /** Whether another program had changed rules: flows that began meanwhile went past them, whatever their protocol. */
  readonly isRepair: boolean
}

/** Takes notice of each search for stale flows, as kube-proxy does for its metrics. */
export interface FlowCleanupObserver {
  /** A search begins. @returns a function for its end, which takes the number of flows that were deleted */
  startCleanup(family: IpFamily): (deleted: number) => void
}

/** What `StaleFlowCleanup` works with. */
export interface StaleFlowCleanupOptions {
  readonly conntrack: Conntrack
  /** Absent: nothing observes. */
  readonly flowObserver?: FlowCleanupObserver | undefined
  readonly log: Log
}

/**
 * The deletion of stale flows as part of what a mode keeps true: it stays due until it has succeeded, however often it fails. The
 * addresses that were removed meanwhile are remembered until then.
 */
export class StaleFlowCleanup {
  readonly #options: StaleFlowCleanupOptions
  readonly #family: IpFamily
  readonly #problem = new OnceReporter()
  readonly #removed = new Map<string, FlowAddress>()
  readonly #protocols = new Set<FlowProtocol>()
  #isRepair = false
  #getExpected: (() => Omit<ExpectedFlows, 'removed' | 'isRepair'>) | undefined

  constructor(family: IpFamily, options: StaleFlowCleanupOptions) {
    this.#family = family
    this.#options = options
  }

  /**
   * Takes a change that the kernel's rules have now. Without protocols there is nothing to do.
   * @param getExpected called when flows are compared; it may read the node's addresses
   */
  add(
    { protocols, removed, isRepair }: FlowChange,
    getExpected: () => Omit<ExpectedFlows, 'removed' | 'isRepair'>,
  ): void {
    for (const protocol of isRepair ? FLOW_PROTOCOLS : protocols) this.#protocols.add(protocol)
    this.#isRepair ||= isRepair
    for (const address of removed) this.#removed.set(flowAddressKey(address), address)
    this.#getExpected = getExpected
  }

  /** Does what is due. A failure is only logged, because the rules are written; the next call tries again. */
  async run(): Promise<void> {
    if (this.#protocols.size === 0 || this.#getExpected === undefined) return
    const removed = [...this.#removed.values()]
    const protocols = [...this.#protocols]
    const expected = { ...this.#getExpected(), removed, isRepair: this.#isRepair }
    const { conntrack, flowObserver, log } = this.#options
    const finish = flowObserver?.startCleanup(this.#family)
    const { deleted, isComplete } = await deleteStaleFlows(
      conntrack,
      this.#family,
      protocols,
      expected,
      log,
      this.#problem,
    )
    finish?.(deleted)
    if (!isComplete) return
    for (const address of removed) this.#removed.delete(flowAddressKey(address))
    for (const protocol of protocols) this.#protocols.delete(protocol)
    this.#isRepair = false
  }
}
