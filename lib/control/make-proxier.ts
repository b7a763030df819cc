import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { IptablesProxier } from '../modes/iptables/proxier.js'
import { type IptablesSettings } from '../modes/iptables/rule-context.js'
import { IpvsProxier } from '../modes/ipvs/proxier.js'
import { type Proxier } from '../modes/proxier.js'
import { PortAllocator } from '../modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../modes/userspace/proxier.js'
import { ConntrackProgram } from '../system/conntrack.js'
import { dummyInterface } from '../system/dummy-interface.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { ipvsProgram } from '../system/ipvs.js'
import { applyIpvsSettings } from '../system/ipvs-settings.js'
import { realClock } from '../system/real-clock.js'
import { type Iptables } from '../system/iptables.js'
import { allowRouteLocalnet } from '../system/route-localnet.js'
import { type NodeManager } from '../node/node-manager.js'

/** What a mode carries traffic with. */
export type ModeResources =
  | {
      readonly mode: 'userspace'
      readonly dataPlane: DataPlane
      /** Of the rules that take over at the end; undefined: none do. */
      readonly failoverSettings: IptablesSettings | undefined
    }
  | { readonly mode: 'iptables' | 'ipvs'; readonly settings: IptablesSettings }

export interface ProxierParts {
  readonly config: KubeProxyConfig
  readonly iptables: readonly Iptables[]
  readonly node: NodeManager
  readonly events: EventSink
  readonly log: Log
}

/** The proxier of a mode, with what it needs of this node. */
export function createProxier(resources: ModeResources, parts: ProxierParts): Proxier {
  const { config } = parts
  switch (resources.mode) {
    case 'userspace':
      return new UserspaceProxier({
        ...commonOptions(parts),
        dataPlane: resources.dataPlane,
        portAllocator: new PortAllocator(config.portRange, Math.random),
      })
    case 'iptables':
      return createIptablesProxier(resources.settings, parts)
    case 'ipvs': {
      const { scheduler, excludeCIDRs, strictARP, tcpTimeout, tcpFinTimeout, udpTimeout } = config.kernelModes.ipvs
      return new IpvsProxier({
        ...commonOptions(parts),
        ipvs: ipvsProgram,
        sets: ipSetProgram,
        dummy: dummyInterface,
        settings: { ...resources.settings, scheduler },
        excludeCIDRs,
        applySettings: () => applyIpvsSettings(strictARP, parts.log),
        timeouts: { tcp: ceilSeconds(tcpTimeout), tcpFin: ceilSeconds(tcpFinTimeout), udp: ceilSeconds(udpTimeout) },
        clock: realClock,
      })
    }
  }
}

export function createIptablesProxier(settings: IptablesSettings, parts: ProxierParts): IptablesProxier {
  const { log } = parts
  return new IptablesProxier({ ...commonOptions(parts), settings, allowRouteLocalnet: () => allowRouteLocalnet(log) })
}

function commonOptions({ iptables, node, events, log }: ProxierParts) {
  return {
    iptables,
    conntrack: new ConntrackProgram(log),
    nodeAddress: (family: IpFamily) => node.getAddress(family),
    nodeAddresses: (family: IpFamily) => node.getAddresses(family),
    localTraffic: (family: IpFamily) => node.getLocalTraffic(family),
    localhostNodePorts: (family: IpFamily) => node.servesNodePortsOnLoopback(family),
    events,
    log,
  }
}

/** Rounded up: 0 would leave the kernel's own. */
function ceilSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
