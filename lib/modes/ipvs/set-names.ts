import { type IpFamily } from '../../model/address.js'
import { type IpSetType } from '../../system/ip-set-text.js'

/** The kernel's limit for the name of a set. */
const MAX_NAME_LENGTH = 31

/**
 * The sets of ipvs mode with their types. The names are those of kube-proxy, except for KUBE-ENDPOINTS, KUBE-IPVS-SERVERS and those of
 * KUBE-ELSEWHERE, which exist here only.
 *
 * Rules match these sets, so a change of Services changes entries and no rule. Entries come in this order, and go in the opposite one: what
 * lets packets in stands before what refuses the others, and an exception before what it is an exception of. So no client is refused while
 * sets are filled.
 */
export const SET_TYPES = {
  /** All endpoints: their segments to this node, where masquerading has brought them. */
  'KUBE-ENDPOINTS': 'hash:ip,port',
  /** Endpoints on this node: packets of a Pod to itself, through a Service, must be masqueraded. */
  'KUBE-LOOP-BACK': 'hash:ip,port,ip',
  'KUBE-CLUSTER-IP': 'hash:ip,port',
  /** External IPs with policy Cluster. */
  'KUBE-EXTERNAL-IP': 'hash:ip,port',
  /** Load-balancer IPs with policy Local: endpoints see the client's address. */
  'KUBE-LOAD-BALANCER-LOCAL': 'hash:ip,port',
  'KUBE-LOAD-BALANCER': 'hash:ip,port',
  /** The sources that source ranges let in. */
  'KUBE-LOAD-BALANCER-SOURCE-IP': 'hash:ip,port,ip',
  'KUBE-LOAD-BALANCER-SOURCE-CIDR': 'hash:ip,port,net',
  /** Addresses with source ranges: packets from other sources are dropped. */
  'KUBE-LOAD-BALANCER-FW': 'hash:ip,port',
  'KUBE-NODE-PORT-LOCAL-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-UDP': 'bitmap:port',
  'KUBE-NODE-PORT-UDP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-SCTP-HASH': 'hash:ip,port',
  'KUBE-NODE-PORT-SCTP-HASH': 'hash:ip,port',
  'KUBE-HEALTH-CHECK-NODE-PORT': 'bitmap:port',
  /** Every virtual server of this program. The next process reads here which servers it may change. */
  'KUBE-IPVS-SERVERS': 'hash:ip,port',
  /** Addresses of Services on this node's dummy interface: packets to other ports there are refused. */
  'KUBE-IPVS-IPS': 'hash:ip',
  /** ClusterIPs with internal policy Local whose endpoints are all on other nodes: their packets are dropped. */
  'KUBE-ELSEWHERE': 'hash:ip,port',
  /** External addresses with policy Local whose endpoints are all on other nodes: packets of external clients are dropped. */
  'KUBE-ELSEWHERE-EXTERNAL': 'hash:ip,port',
} as const satisfies Readonly<Record<string, IpSetType>>

/** The name of a set, without the family. */
export type SetName = keyof typeof SET_TYPES

/** All sets. */
export const SET_NAMES = Object.keys(SET_TYPES) as readonly SetName[]

/** The name of a set in the kernel. Each family has its own sets. */
export function kernelSetName(name: SetName, family: IpFamily): string {
  return (family === 'IPv4' ? name : name.replace(/^KUBE-/, 'KUBE-6-')).slice(0, MAX_NAME_LENGTH)
}
