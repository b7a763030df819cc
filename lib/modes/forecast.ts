import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ResolvedFrontends } from '../frontends/frontend-table.js'
import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type LeftOut } from '../model/endpoint-reason.js'
import { type ServicePort } from '../model/service-port.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type RuleSet } from '../netfilter/rule-set.js'
import { type KernelSet } from '../netfilter/walk/kernel-set.js'
import { type VirtualServer } from '../system/virtual-server.js'
import { type NodeView } from './node-view.js'
import { type RuleSettings } from './rule-settings.js'

/** What a mode would be given on a node. */
export interface ForecastInput {
  readonly config: KubeProxyConfig
  readonly snapshot: ServiceSnapshot
  readonly node: NodeView
  readonly families: readonly IpFamily[]
}

/** What a mode serves, and what it has in the kernel for that, as far as no kernel has to be asked. */
export interface Forecast {
  readonly resolved: ResolvedFrontends
  /** See `FrontendTable.findLeftOut`. */
  findLeftOut(servicePort: ServicePort, endpoint: Endpoint): LeftOut | undefined
  readonly rules: ReadonlyMap<IpFamily, RuleSet>
  /** The sockets that serve; the ports that the kernel would choose are invented. */
  readonly listeners: readonly ListenerSpec[]
  readonly virtualServers: readonly VirtualServer[]
  /** The addresses of Services that the node itself has. */
  readonly serviceAddresses: readonly IpAddress[]
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, KernelSet>
}

/** Of a forecast, what a mode without sockets of its own and without IPVS does not have. */
export const NOTHING_BUT_RULES: Pick<Forecast, 'listeners' | 'virtualServers' | 'serviceAddresses' | 'sets'> = {
  listeners: [],
  virtualServers: [],
  serviceAddresses: [],
  sets: new Map(),
}

/** The settings of rules on a kernel of today. */
export function usualRuleSettings({ kernelModes }: KubeProxyConfig): RuleSettings {
  const { masqueradeAll, masqueradeMark } = kernelModes
  return { masqueradeAll, masqueradeMark, randomFully: true, dropInvalid: true }
}
