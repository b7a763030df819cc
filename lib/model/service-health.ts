/** A Service with external policy Local that a load balancer asks this node about. */
export interface ServiceHealth {
  readonly namespace: string
  readonly name: string
  /** `healthCheckNodePort`, 1 to 65535. */
  readonly port: number
  /** Distinct IPs of ready endpoints on this node. */
  readonly localEndpoints: number
}
