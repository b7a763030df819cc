import { type MetricRegistry } from './metric-registry.js'

/** The metric of Service ports that are not served because `--proxy-port-range` has no port left. */
export class ProxyPortMetrics {
  readonly #withoutPort

  constructor(registry: MetricRegistry) {
    this.#withoutPort = registry.gauge(
      'kubeproxy_userspace_service_ports_without_proxy_port',
      'Service ports that are not served because no port of --proxy-port-range is left',
    )
  }

  /** Sets how many there are now. */
  servicePortsWithoutPort(count: number): void {
    this.#withoutPort.set(count)
  }
}
