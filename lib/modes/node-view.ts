import { type LocalTraffic } from '../frontends/local-traffic.js'
import { type IpAddress, type IpFamily } from '../model/address.js'
import { type LocalAddresses } from '../model/local-addresses.js'

/** The current state of the node that a mode runs on. */
export interface NodeView {
  /** The node's main address; undefined if it has none of that family. */
  getAddress(family: IpFamily): IpAddress | undefined
  /** All addresses of the node of a family, except loopback addresses. */
  getAddresses(family: IpFamily): readonly IpAddress[]
  /** What the kernel delivers to the node itself. The same object while nothing changes. */
  getLocalAddresses(family: IpFamily): LocalAddresses
  /** The addresses of this node that Pods with hostNetwork have. */
  getPodAddresses(family: IpFamily): readonly IpAddress[]
  getLocalTraffic(family: IpFamily): LocalTraffic
  servesNodePortsOnLoopback(family: IpFamily): boolean
}
