import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type Conntrack, type FlowProtocol } from '../system/conntrack.js'
import { deleteStaleFlows } from './delete-stale-flows.js'
import { type ExpectedFlows, type FlowAddress, flowAddressKey } from './stale-flows.js'

/** Which flows a change of rules concerns. */
export interface FlowChange extends Pick<ExpectedFlows, 'removed'> {
  /** The protocols whose flows may be stale. Listing those of TCP costs a pass through all connections of the node. */
  readonly protocols: readonly FlowProtocol[]
}

/**
 * The deletion of stale flows as part of what a mode keeps true: it stays due until it has succeeded, however often it fails. The
 * addresses that were removed meanwhile are remembered until then.
 */
export class StaleFlowCleanup {
  readonly #conntrack: Conntrack
  readonly #family: IpFamily
  readonly #log: Log
  readonly #problem = new OnceReporter()
  readonly #removed = new Map<string, FlowAddress>()
  readonly #protocols = new Set<FlowProtocol>()
  #getExpected: (() => Omit<ExpectedFlows, 'removed'>) | undefined

  constructor(conntrack: Conntrack, family: IpFamily, log: Log) {
    this.#conntrack = conntrack
    this.#family = family
    this.#log = log
  }

  /**
   * Takes a change that the kernel's rules have now. Without protocols there is nothing to do.
   * @param getExpected called when flows are compared; it may read the node's addresses
   */
  add({ protocols, removed }: FlowChange, getExpected: () => Omit<ExpectedFlows, 'removed'>): void {
    for (const protocol of protocols) this.#protocols.add(protocol)
    for (const address of removed) this.#removed.set(flowAddressKey(address), address)
    this.#getExpected = getExpected
  }

  /** Does what is due. A failure is only logged, because the rules are written; the next call tries again. */
  async run(): Promise<void> {
    if (this.#protocols.size === 0 || this.#getExpected === undefined) return
    const removed = [...this.#removed.values()]
    const protocols = [...this.#protocols]
    const expected = { ...this.#getExpected(), removed }
    const isDone = await deleteStaleFlows(this.#conntrack, this.#family, protocols, expected, this.#log, this.#problem)
    if (!isDone) return
    for (const address of removed) this.#removed.delete(flowAddressKey(address))
    for (const protocol of protocols) this.#protocols.delete(protocol)
  }
}
