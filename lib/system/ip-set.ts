import { type IpFamily } from '../model/address.js'

export type IpSetType = 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'bitmap:port'

/** A set of addresses or ports in the kernel, which a rule of iptables asks whether a packet is in. */
export interface IpSet {
  /** At most 31 characters. */
  readonly name: string
  readonly type: IpSetType
  readonly family: IpFamily
  /** As `ipset save` prints them: `10.96.0.10,tcp:80`, `10.0.0.1,tcp:80,10.0.0.0/8`, `30080`. */
  readonly entries: ReadonlySet<string>
}
