import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type IpFamily } from '../model/address.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type Proxier } from '../modes/proxier.js'
import { PortAllocator } from '../modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../modes/userspace/proxier.js'
import { ConntrackProgram } from '../system/conntrack.js'
import { type Iptables } from '../system/iptables.js'
import { type OwnNode } from './own-node.js'

export interface ProxierParts {
  readonly mode: ProxyMode
  readonly config: KubeProxyConfig
  /** There in userspace mode. */
  readonly dataPlane: DataPlane | undefined
  readonly iptables: readonly Iptables[]
  readonly node: OwnNode
  readonly events: EventSink
  readonly log: Log
}

/** The proxier of a mode, with what it needs of this node. */
export function makeProxier({ mode, config, dataPlane, iptables, node, events, log }: ProxierParts): Proxier {
  const common = {
    iptables,
    conntrack: new ConntrackProgram(log),
    nodeAddresses: (family: IpFamily) => node.addresses(family),
    surroundings: (family: IpFamily) => node.surroundings(family),
    localhostNodePorts: (family: IpFamily) => node.servesNodePortsOnLoopback(family),
    events,
    log,
  }
  switch (mode) {
    case 'userspace':
      return new UserspaceProxier({
        ...common,
        dataPlane: dataPlane!,
        ports: new PortAllocator(config.portRange, Math.random),
        nodeAddress: family => node.address(family),
      })
  }
}
