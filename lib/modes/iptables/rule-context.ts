import { type IpAddress, type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import { type Rule } from '../../netfilter/rule-set.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'

/** What the operator asked for, for all families and Services alike. */
export interface IptablesSettings {
  /** The node's address instead of the client's for everything that goes to a ClusterIP. */
  readonly masqueradeAll: boolean
  /** The one bit of a packet's mark that says so on its way through the node: 0x4000 with kube-proxy's bit 14. */
  readonly masqueradeMark: number
  /** A random source port for masqueraded packets; needs iptables 1.6.2. */
  readonly randomFully: boolean
  /**
   * Whether forwarded packets that belong to no connection are dropped. Not where the kernel takes such packets as they come
   * (`nf_conntrack_tcp_be_liberal`).
   */
  readonly dropInvalid: boolean
}

/** What the rules of every service port of one family depend on. */
export interface RuleContext extends LocalTraffic {
  readonly family: IpFamily
  readonly masqueradeAll: boolean
  /** The node's main address; undefined when it has none of the family. */
  readonly nodeAddress: IpAddress | undefined
  readonly localhostNodePorts: boolean
  /** Whether rules say of each endpoint whose it is; not in large clusters, where comments would be half of all text. */
  readonly hasEndpointComments: boolean
}

/**
 * Where node ports are, as matches of which a packet meets one. Loopback is theirs only in IPv4: in IPv6 the kernel never lets
 * a packet with a loopback address out (there is no route_localnet).
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
