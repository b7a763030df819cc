import { type AvoidedEndpoints } from '../../../lib/balancer/balancer.js'

/** Endpoints to avoid, by `ip:port`. */
export function avoidKeys(...keys: readonly string[]): AvoidedEndpoints {
  return { size: keys.length, has: ({ key }) => keys.includes(key) }
}
