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
import { type OwnNode } from './own-node.js'

/** What a mode carries traffic with. */
export type Means =
  | {
      readonly mode: 'userspace'
      readonly dataPlane: DataPlane
      /** Of the rules that take over at the end; undefined: none do. */
      readonly standIn: IptablesSettings | undefined
    }
  | { readonly mode: 'iptables' | 'ipvs'; readonly settings: IptablesSettings }

export interface ProxierParts {
  readonly config: KubeProxyConfig
  readonly iptables: readonly Iptables[]
  readonly node: OwnNode
  readonly events: EventSink
  readonly log: Log
}

/** The proxier of a mode, with what it needs of this node. */
export function makeProxier(means: Means, parts: ProxierParts): Proxier {
  const { config } = parts
  switch (means.mode) {
    case 'userspace':
      return new UserspaceProxier({
        ...common(parts),
        dataPlane: means.dataPlane,
        ports: new PortAllocator(config.portRange, Math.random),
      })
    case 'iptables':
      return makeIptablesProxier(means.settings, parts)
    case 'ipvs': {
      const { scheduler, excludeCIDRs, strictARP, tcpTimeout, tcpFinTimeout, udpTimeout } = config.kernelModes.ipvs
      return new IpvsProxier({
        ...common(parts),
        ipvs: ipvsProgram,
        sets: ipSetProgram,
        dummy: dummyInterface,
        settings: { ...means.settings, scheduler },
        excludeCIDRs,
        applySettings: () => applyIpvsSettings(strictARP, parts.log),
        timeouts: { tcp: seconds(tcpTimeout), tcpFin: seconds(tcpFinTimeout), udp: seconds(udpTimeout) },
        clock: realClock,
      })
    }
  }
}

export function makeIptablesProxier(settings: IptablesSettings, parts: ProxierParts): IptablesProxier {
  const { log } = parts
  return new IptablesProxier({ ...common(parts), settings, allowRouteLocalnet: () => allowRouteLocalnet(log) })
}

function common({ iptables, node, events, log }: ProxierParts) {
  return {
    iptables,
    conntrack: new ConntrackProgram(log),
    nodeAddress: (family: IpFamily) => node.address(family),
    nodeAddresses: (family: IpFamily) => node.addresses(family),
    surroundings: (family: IpFamily) => node.surroundings(family),
    localhostNodePorts: (family: IpFamily) => node.servesNodePortsOnLoopback(family),
    events,
    log,
  }
}

/** Rounded up: 0 would leave the kernel's own. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
