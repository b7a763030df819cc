import { type IpAddress, type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import { type Rule } from '../../netfilter/rule-set.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'

/** What the rules of every service port of one family depend on, besides the Service. */
export interface RuleContext extends LocalTraffic {
  readonly family: IpFamily
  readonly masqueradeAll: boolean
  /** The node's main address; undefined when it has none of the family. */
  readonly nodeAddress: IpAddress | undefined
  /** The addresses of this node that are endpoints. */
  readonly hostEndpointIPs: readonly IpAddress[]
  /** Whether node ports answer on loopback too. */
  readonly localhostNodePorts: boolean
  /** Whether the rules of endpoints have comments. Off in large clusters, where comments would be half of all text. */
  readonly hasEndpointComments: boolean
}

/**
 * The destinations that serve node ports, as matches: a packet has to meet one of them. Loopback is a destination only in
 * IPv4. In IPv6 the kernel never lets out a packet with a loopback address: it has no route_localnet.
 */
export function nodePortMatches({
  family,
  nodePortAddresses,
  localhostNodePorts,
}: Pick<RuleContext, 'family' | 'nodePortAddresses' | 'localhostNodePorts'>): Omit<Rule, 'target'>[] {
  const loopback = LOOPBACK[family]
  const servesLoopback = family === 'IPv4' && localhostNodePorts
  if (nodePortAddresses === undefined)
    return [{ toThisNode: true, ...(!servesLoopback && { not: { destination: loopback } }) }]
  const addresses = nodePortAddresses.map(destination => ({ destination }))
  return servesLoopback ? [...addresses, { destination: loopback, toThisNode: true }] : addresses
}
