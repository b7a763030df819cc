/** The health of a Service with external policy Local, which load balancers check on this node. */
export interface ServiceHealth {
  readonly namespace: string
  readonly name: string
  /** `healthCheckNodePort`, 1 to 65535. */
  readonly port: number
  /** Distinct IPs of ready endpoints on this node. */
  readonly localEndpoints: number
}
