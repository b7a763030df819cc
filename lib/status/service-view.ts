import { type AddressConflict } from '../frontends/address-conflicts.js'
import { type Frontend, type FrontendKind, type TrafficAction } from '../frontends/frontend.js'
import { type IpFamily } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'
import { servicePortName } from '../model/service-port.js'
import { type ServedPort } from '../model/snapshot.js'

/** Why an address is not served that no other Service has. */
export const MODE_CANNOT_SERVE = 'the mode cannot serve this port'

/** An address and port that clients use. */
export interface FrontendView {
  readonly kind: FrontendKind
  /** Null: a node port, on the addresses of the node. */
  readonly address: string | null
  readonly port: number
  readonly isServed: boolean
  /** Why it is not served; null: it is. */
  readonly why: string | null
  /** What happens to packets, by where they come from. Null: it is not served. */
  readonly actions: {
    readonly fromNode: TrafficAction
    readonly fromPods: TrafficAction
    readonly fromExternal: TrafficAction
  } | null
}

/** One port of a Service in one IP family. */
export interface ServiceView {
  readonly namespace: string
  readonly name: string
  /** Empty: the port has no name. */
  readonly portName: string
  readonly protocol: Protocol
  readonly family: IpFamily
  readonly clusterIP: string
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  /** How a client gets its endpoint in userspace mode. */
  readonly balancer: string
  /** Null: no session affinity. */
  readonly affinitySeconds: number | null
  readonly internalTrafficPolicy: 'Cluster' | 'Local'
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  readonly endpoints: {
    /** All that the objects have. */
    readonly all: number
    /** Those that serve traffic which may go to any node. */
    readonly cluster: number
    /** Those that serve traffic which must stay on this node. */
    readonly local: number
  }
  readonly frontends: readonly FrontendView[]
}

/** What the views of Services are made from besides the snapshot: what the mode serves of it. */
export interface ServedState {
  /** All of a service port. */
  readonly frontendsOf: (served: ServedPort) => readonly Frontend[]
  readonly served: readonly Frontend[]
  readonly conflicts: readonly AddressConflict[]
}

/** Makes the view of a service port. */
export function serviceViewer({ frontendsOf, served, conflicts }: ServedState): (port: ServedPort) => ServiceView {
  const isServed = new Set(served.map(nameOf))
  const losers = new Map(conflicts.map(conflict => [nameOf(conflict.loser), conflict]))
  const frontendView = (frontend: Frontend): FrontendView => {
    const { kind, address, port, fromNode, fromPods, fromExternal } = frontend
    const isOn = isServed.has(nameOf(frontend))
    return {
      ...{ kind, address: address ?? null, port, isServed: isOn },
      why: isOn ? null : whyNot(losers.get(nameOf(frontend))),
      actions: isOn ? { fromNode, fromPods, fromExternal } : null,
    }
  }
  return port => ({ ...describePort(port), frontends: frontendsOf(port).map(frontendView) })
}

function describePort({ servicePort, endpoints, usable }: ServedPort): Omit<ServiceView, 'frontends'> {
  const { namespace, name, portName, protocol, family, clusterIP, port, nodePort, balancer } = servicePort
  return {
    ...{ namespace, name, portName, protocol, family, clusterIP, port, nodePort, balancer },
    affinitySeconds: servicePort.affinitySeconds ?? null,
    internalTrafficPolicy: servicePort.internalPolicyLocal ? 'Local' : 'Cluster',
    externalTrafficPolicy: servicePort.externalPolicyLocal ? 'Local' : 'Cluster',
    endpoints: { all: endpoints.length, cluster: usable.cluster.length, local: usable.local.length },
  }
}

function whyNot(conflict: AddressConflict | undefined): string {
  if (conflict === undefined) return MODE_CANNOT_SERVE
  return `${servicePortName(conflict.winner.servicePort)} has this address: ${conflict.rule}`
}

function nameOf({ servicePort, name }: Frontend): string {
  return `${servicePort.key} ${name}`
}
