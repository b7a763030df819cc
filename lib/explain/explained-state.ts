import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type Frontend } from '../frontends/frontend.js'
import { type LocalTraffic } from '../frontends/local-traffic.js'
import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'
import { type ServiceObject } from '../model/objects.js'
import { type ServicePort } from '../model/service-port.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type KernelSet } from '../netfilter/walk/kernel-set.js'
import { type BalancedServer, type NodeFacts, type Packet, type PacketView } from '../netfilter/walk/packet-view.js'
import { type EndpointsExplanation } from '../snapshot/explain-endpoints.js'
import { type PersistedClient } from '../system/persisted-client.js'
import { type VirtualServer } from '../system/virtual-server.js'
import { type LiveSockets } from './live-sockets.js'
import { type NodeLayout } from './node-layout.js'

/** An address of a Service that the proxy does not serve. */
export interface UnservedFrontend {
  readonly frontend: Frontend
  /** In words that follow "is not served here". */
  readonly why: string
}

/** What is known of the Services of a cluster. */
export interface KnownServices {
  /** By `namespace/name`, also those that the proxy ignores. */
  readonly services: ReadonlyMap<string, ServiceObject>
  /** Of all Services. */
  readonly endpoints: readonly Endpoint[]
  readonly frontends: readonly Frontend[]
  readonly unserved: readonly UnservedFrontend[]
  /** How the node recognises Pods. */
  localTraffic(family: IpFamily): LocalTraffic
  explainEndpoints(servicePort: ServicePort): EndpointsExplanation
}

/** Everything that decides where a packet goes: of a node as it is, or as a mode would make it. */
export interface ExplainedState {
  /** Empty: no mode has rules here. */
  readonly mode: string
  readonly carriedBy: 'sockets' | 'kernel'
  readonly rulesFrom: 'kernel' | 'plan'
  readonly rules: ReadonlyMap<IpFamily, RuleTables>
  readonly layout: NodeLayout
  /** Undefined: no object is known. */
  readonly known: KnownServices | undefined
  /**
   * The socket of the proxy that gets a packet for the node.
   * @param arrived the packet where it arrives
   * @param sent the same packet where it entered the kernel
   * @returns undefined if there is none, or none is known
   */
  findListener(arrived: PacketView, sent: Packet): ListenerSpec | undefined
  readonly virtualServers: readonly VirtualServer[]
  /** The clients that virtual servers keep at a real server. */
  readonly persisted: readonly PersistedClient[]
  /** Addresses of Services that the node itself has. */
  readonly serviceAddresses: readonly IpAddress[]
  readonly sets: ReadonlyMap<string, KernelSet>
  readonly secondsInList: NodeFacts['secondsInList']
  /**
   * Whether a packet can leave by the interface that it came in by. A bridge sends it back only if the port of the Pod has hairpin mode.
   * Undefined: unknown.
   */
  canTurnBack(interfaceName: string): boolean | undefined
  /** The running proxy that is asked; absent: none. */
  readonly proxy?: { readonly pid: number }
  /** What its sockets say of the service port at the destination; absent: unknown, or there are none. */
  readonly sockets?: LiveSockets | undefined
  readonly notes: readonly string[]
}

/** Whether the kernel of the node delivers packets to the address to the node itself. */
export function isNodeAddress({ layout, serviceAddresses }: ExplainedState, ip: IpAddress): boolean {
  return layout.isOwnAddress(ip) || serviceAddresses.includes(ip)
}

/** The facts that rules depend on. */
export function factsOf(state: ExplainedState): NodeFacts {
  const { layout, serviceAddresses, sets, secondsInList, virtualServers } = state
  const ofServices = new Set(serviceAddresses)
  return {
    isOwnAddress: ip => layout.isOwnAddress(ip) || ofServices.has(ip),
    interfaceTo: ip => layout.routeTo(ip)?.interfaceName,
    addressOf: (name, family) => layout.addressOf(name, family),
    findSet: name => sets.get(name),
    secondsInList,
    findVirtualServer: (protocol, address, port, client) => {
      const server = virtualServers.find(
        each => each.protocol === protocol && each.address === address && each.port === port,
      )
      if (server === undefined) return undefined
      const realServers = server.realServers.filter(({ weight }) => weight > 0)
      return { ...server, realServers, kept: keptRealServer({ ...server, realServers }, client, state.persisted) }
    },
  }
}

/** What the kernel keeps for the client. It picks again if that real server gets no new connections (`expire_quiescent_template`). */
function keptRealServer(
  { protocol, address, port, persistenceSeconds, realServers }: VirtualServer,
  client: IpAddress | undefined,
  persisted: readonly PersistedClient[],
): BalancedServer['kept'] {
  if (persistenceSeconds === 0) return undefined
  const found = persisted.find(
    each =>
      each.client === client &&
      each.server.protocol === protocol &&
      each.server.address === address &&
      each.server.port === port &&
      realServers.some(real => real.address === each.real.address && real.port === each.real.port),
  )
  if (found === undefined) return undefined
  const { real, leftSeconds } = found
  return { ...real, endsInSeconds: leftSeconds, usedSecondsAgo: Math.max(0, persistenceSeconds - leftSeconds) }
}
