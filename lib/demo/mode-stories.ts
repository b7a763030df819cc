import { type ProxyMode } from '../model/proxy-mode.js'
import { iptablesWalkthrough } from './iptables-walkthrough.js'
import { ipvsWalkthrough } from './ipvs-walkthrough.js'
import { type ModeWalkthrough } from './mode-walkthrough.js'
import { userspaceWalkthrough } from './userspace-walkthrough.js'

export const MODE_WALKTHROUGHS: Readonly<Record<ProxyMode, ModeWalkthrough>> = {
  userspace: userspaceWalkthrough,
  iptables: iptablesWalkthrough,
  ipvs: ipvsWalkthrough,
}
