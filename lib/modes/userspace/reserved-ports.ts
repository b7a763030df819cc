import { type ListenerSpec, isOnAllAddresses, isPortConflict } from '../../dataplane/listener-plan.js'
import { IP_FAMILIES, type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'

type Protocol = ListenerSpec['protocol']

/** A port of the node that this proxy serves in another way than by rules. */
export interface ReservedPort {
  readonly protocol: Protocol
  readonly port: number
  /** Where it is served; an unspecified address means all addresses of its family. */
  readonly addresses: readonly IpAddress[]
}

/** What the reserved ports depend on. */
export interface ReservedPortsInput {
  readonly snapshot: ServiceSnapshot
  /** The service ports that own their NodePort. */
  readonly nodePorts: readonly ServicePort[]
  /** The IP families that the node serves. */
  readonly families: readonly IpFamily[]
  /** The addresses that serve NodePorts; undefined: all. */
  readonly nodePortAddresses: (family: IpFamily) => readonly IpAddress[] | undefined
  /** The HTTP ports of this process. */
  readonly httpPorts: readonly ReservedPort[]
}

/**
 * Ports that no listener of a traffic class should have: NodePorts, health check ports of Services, and the HTTP ports of this
 * process. The kernel gives such a number to a listener if nothing held it at that moment, for example because the Service with
 * the NodePort came later.
 */
export class ReservedPorts {
  readonly #byNumber = new Map<number, ReservedPort[]>()

  constructor(ports: readonly ReservedPort[]) {
    for (const reserved of ports) {
      const others = this.#byNumber.get(reserved.port)
      if (others === undefined) this.#byNumber.set(reserved.port, [reserved])
      else others.push(reserved)
    }
  }

  /** All numbers, whatever the protocol and address. */
  get numbers(): ReadonlySet<number> {
    return new Set(this.#byNumber.keys())
  }

  /** Whether a listener with this port would be in the way. */
  has(listener: Pick<ListenerSpec, 'protocol' | 'address'>, port: number): boolean {
    const reserved = this.#byNumber.get(port) ?? []
    return reserved.some(({ protocol, addresses }) =>
      addresses.some(address => isPortConflict({ protocol, address }, listener)),
    )
  }
}

const ALL_ADDRESSES = IP_FAMILIES.map(unspecifiedAddress)

/** Finds the reserved ports of a node. */
export function findReservedPorts(input: ReservedPortsInput): ReservedPorts {
  const { snapshot, nodePorts, families, nodePortAddresses, httpPorts } = input
  const addresses = new Map(families.map(family => [family, nodePortAddresses(family) ?? [unspecifiedAddress(family)]]))
  const healthPorts = new Set(Array.from(snapshot.ports.values(), ({ servicePort }) => servicePort.healthCheckNodePort))
  healthPorts.delete(0)
  const healthAddresses = httpAddresses([...addresses.values()].flat())
  return new ReservedPorts([
    ...httpPorts,
    ...Array.from(healthPorts, port => ({ protocol: 'TCP' as const, port, addresses: healthAddresses })),
    ...nodePorts.map(({ family, protocol, nodePort }) => ({
      protocol: protocol === 'UDP' ? ('UDP' as const) : ('TCP' as const),
      port: nodePort,
      addresses: addresses.get(family) ?? [],
    })),
  ])
}

/** The ports of addresses such as `0.0.0.0:10256`; an empty one has none. */
export function httpPortsOf(bindAddresses: readonly string[]): ReservedPort[] {
  return bindAddresses
    .map(text => /^\[?(.*?)\]?:(\d+)$/.exec(text))
    .filter(match => match !== null)
    .map(([, host = '', port]) => ({ protocol: 'TCP', port: Number(port), addresses: httpAddresses([host]) }))
}

/** An HTTP server on all addresses of one family is on those of both. */
function httpAddresses(hosts: readonly IpAddress[]): readonly IpAddress[] {
  return hosts.some(address => address === '' || isOnAllAddresses({ address })) ? ALL_ADDRESSES : hosts
}
