import { type IpFamily } from '../model/address.js'
import { FAMILY_LABELS, type MetricRegistry } from './metric-registry.js'

/**
 * The metrics of node ports on loopback, which a socket of this program serves. The names are those that kube-proxy 1.37 has for the
 * same thing in its nftables mode (KEP-6032).
 */
export class LoopbackMetrics {
  readonly #listeners
  readonly #failures

  /** @param families those that the proxy serves; their series are there from the first scrape */
  constructor(registry: MetricRegistry, families: readonly IpFamily[]) {
    const name = 'kubeproxy_nftables_localhost_nodeport_listener'
    this.#listeners = registry.gauge(`${name}s`, 'Listeners that serve a node port on loopback', FAMILY_LABELS)
    this.#failures = registry.counter(
      `${name}_creation_failures_total`,
      'Failed attempts to open a listener for a node port on loopback',
      FAMILY_LABELS,
    )
    for (const family of families) this.loopbackListeners(family, 0, 0)
  }

  /**
   * Sets how many listeners there are now.
   * @param failed how many could not be opened just now
   */
  loopbackListeners(family: IpFamily, open: number, failed: number): void {
    this.#listeners.set({ ip_family: family }, open)
    this.#failures.inc({ ip_family: family }, failed)
  }
}
