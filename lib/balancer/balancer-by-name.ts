import { type BalancerName } from '../model/service-port.js'
import { type NarrowableBalancer } from './balancer.js'
import { LeastConnections } from './least-connections.js'
import { RandomTwoChoices } from './random-two-choices.js'
import { RoundRobin } from './round-robin.js'

/**
 * Makes the balancer that a Service asks for, without endpoints yet.
 *
 * @param endpoints how many endpoints it will get first
 * @param random returns a number from 0 (inclusive) to 1 (exclusive)
 */
export function balancerByName(name: BalancerName, endpoints: number, random: () => number): NarrowableBalancer {
  if (name === 'random-two-choices') return new RandomTwoChoices(random)
  const start = Math.floor(random() * Math.max(1, endpoints))
  return name === 'least-connections' ? new LeastConnections(start) : new RoundRobin(start)
}
