import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Protocol } from '../../model/protocol.js'
import { type KernelSet } from './kernel-set.js'

/** The hooks of the kernel where rules see a packet. */
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

/** The first packet of a connection, where it enters the kernel. */
export interface Packet {
  /** `PREROUTING`: it comes from a Pod or another host. `OUTPUT`: a process of the node sends it. */
  readonly hook: 'PREROUTING' | 'OUTPUT'
  readonly protocol: Protocol
  readonly source: IpAddress
  /** Undefined: a port that the kernel of the client chooses. */
  readonly sourcePort?: number | undefined
  readonly destination: IpAddress
  readonly port: number
  /** The interface that it comes in by; undefined: unknown. Not for packets of the node. */
  readonly inInterface?: string | undefined
  /** Whether iptables sees it at a port of a bridge (`bridge-nf-call-iptables`); undefined: unknown. */
  readonly viaBridgePort?: boolean | undefined
}

/** What rules see of a packet at one moment. */
export interface PacketView {
  readonly protocol: Protocol
  /** Undefined: an address of the node that is not known. */
  readonly source: IpAddress | undefined
  readonly sourcePort: number | undefined
  readonly destination: IpAddress
  readonly port: number
  /** Empty: a process of the node sends it. Undefined: unknown. */
  readonly inInterface: string | undefined
  /** Empty before the route is known. Undefined: unknown. */
  readonly outInterface: string | undefined
  readonly viaBridgePort: boolean | undefined
  readonly mark: number
  readonly connectionMark: number
  /** Whether conntrack remembers the connection. */
  readonly isTracked: boolean
  /** Where the client sent it. */
  readonly originalDestination: IpAddress
  readonly originalPort: number
  readonly isDestinationTranslated: boolean
  readonly isSourceTranslated: boolean
}

/** What rules and routes of a node depend on, besides the packet. */
export interface NodeFacts {
  /** Whether the kernel delivers packets to this address to the node itself. */
  isOwnAddress(address: IpAddress): boolean
  /** The interface by which packets to the address leave; undefined: unknown. */
  interfaceTo(address: IpAddress): string | undefined
  /** The main address of an interface in a family; undefined: unknown. */
  addressOf(interfaceName: string | undefined, family: IpFamily): IpAddress | undefined
  /** A set of the kernel; undefined: unknown. */
  findSet(name: string): KernelSet | undefined
  /**
   * How many seconds ago the address was last added to a list of `-m recent`; `never`.
   * @returns undefined if it is unknown
   */
  secondsInList(list: string, address: IpAddress): number | 'never' | undefined
  /**
   * The virtual server of IPVS at an address; undefined: there is none.
   * @param client undefined: unknown
   */
  findVirtualServer(
    protocol: Protocol,
    address: IpAddress,
    port: number,
    client: IpAddress | undefined,
  ): BalancedServer | undefined
}

/** A virtual server of IPVS, as far as it decides where a new connection goes. */
export interface BalancedServer {
  readonly scheduler: string
  /** Those that accept new connections. */
  readonly realServers: readonly RealServerAddress[]
  /** The one that the client keeps; absent: none. */
  readonly kept?:
    | (RealServerAddress & {
        /** How long ago the client opened its last connection. */
        readonly usedSecondsAgo: number
        /** When it ends if the client opens no further one. */
        readonly endsInSeconds: number
      })
    | undefined
}

interface RealServerAddress {
  readonly address: IpAddress
  readonly port: number
}

/** What rules see of a packet when it enters the kernel. */
export function firstView(packet: Packet): PacketView {
  const { hook, protocol, source, sourcePort, destination, port, inInterface, viaBridgePort } = packet
  const isOwn = hook === 'OUTPUT'
  return {
    ...{ protocol, source, sourcePort, destination, port },
    inInterface: isOwn ? '' : inInterface,
    outInterface: '',
    viaBridgePort: isOwn ? false : viaBridgePort,
    ...{ mark: 0, connectionMark: 0, isTracked: true },
    originalDestination: destination,
    originalPort: port,
    ...{ isDestinationTranslated: false, isSourceTranslated: false },
  }
}
