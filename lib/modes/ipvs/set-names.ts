import { type IpFamily } from '../../model/address.js'
import { type IpSetType } from '../../system/ip-set-text.js'

/** The kernel's limit for the name of a set. */
const MAX_NAME_LENGTH = 31

/**
 * The sets of ipvs mode by the names that kube-proxy gave them; last come three of our own.
 *
 * Rules only ask these sets, so a change of Services changes entries and no rule.
 */
export const SET_TYPES = {
  /** Endpoints of this node: a Pod that reaches itself through a Service has to be masqueraded. */
  'KUBE-LOOP-BACK': 'hash:ip,port,ip',
  'KUBE-CLUSTER-IP': 'hash:ip,port',
  /** External IPs that any node's endpoints serve. */
  'KUBE-EXTERNAL-IP': 'hash:ip,port',
  'KUBE-LOAD-BALANCER': 'hash:ip,port',
  /** Of these, those that keep the client's address. */
  'KUBE-LOAD-BALANCER-LOCAL': 'hash:ip,port',
  /** What has source ranges, and who may come in there. */
  'KUBE-LOAD-BALANCER-FW': 'hash:ip,port',
  'KUBE-LOAD-BALANCER-SOURCE-IP': 'hash:ip,port,ip',
  'KUBE-LOAD-BALANCER-SOURCE-CIDR': 'hash:ip,port,net',
  'KUBE-NODE-PORT-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-TCP': 'bitmap:port',
  'KUBE-NODE-PORT-UDP': 'bitmap:port',
  'KUBE-NODE-PORT-LOCAL-UDP': 'bitmap:port',
  'KUBE-NODE-PORT-SCTP-HASH': 'hash:ip,port',
  'KUBE-NODE-PORT-LOCAL-SCTP-HASH': 'hash:ip,port',
  'KUBE-HEALTH-CHECK-NODE-PORT': 'bitmap:port',
  /** Addresses that this node has for Services alone: nothing else may be reached there. */
  'KUBE-IPVS-IPS': 'hash:ip',
  /** Every virtual server of ours. A process that comes after us knows by it which ones it may change. */
  'KUBE-IPVS-SERVERS': 'hash:ip,port',
  /** What only endpoints of this node may serve, where there is none, but one elsewhere: dropped. */
  'KUBE-ELSEWHERE': 'hash:ip,port',
  /** The same for clients from outside of the cluster only. */
  'KUBE-ELSEWHERE-EXTERNAL': 'hash:ip,port',
} as const satisfies Readonly<Record<string, IpSetType>>

export type SetName = keyof typeof SET_TYPES

export const SET_NAMES = Object.keys(SET_TYPES) as readonly SetName[]

/** The name in the kernel, where the families have sets of their own. */
export function kernelSetName(name: SetName, family: IpFamily): string {
  return (family === 'IPv4' ? name : name.replace(/^KUBE-/, 'KUBE-6-')).slice(0, MAX_NAME_LENGTH)
}
