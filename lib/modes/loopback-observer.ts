import { type IpFamily } from '../model/address.js'

/** Takes notice of the listeners that serve node ports on loopback, as kube-proxy does for its metrics (KEP-6032). */
export interface LoopbackObserver {
  /** How many there are now, and how many could not be opened just now. */
  loopbackListeners(family: IpFamily, open: number, failed: number): void
}
