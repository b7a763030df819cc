import { type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec, isOnAllAddresses } from '../../dataplane/listener-plan.js'
import { systemCode } from '../../model/failure.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { ListenerKeys } from './listener-keys.js'
import { nodePortKey } from './node-port-listeners.js'
import { frontendKey } from './observed-proxy-ports.js'
import { type PortlessListener, isSupported } from './plan.js'
import { type PortAllocator } from './port-allocator.js'
import { ReservedPorts, type ReservedPortsInput, findReservedPorts } from './reserved-ports.js'
import { trafficClassesOf } from './traffic-classes.js'

/** What `ProxyPorts.resolveConflicts` finds. */
export interface ResolvedConflicts {
  /** The listeners that keep their ports. */
  readonly kept: ReadonlyMap<string, ListenerSpec>
  /** How many listeners can open another port, or at other addresses, at once. */
  readonly count: number
}

/** Takes notice of a listener that leaves its port. */
export interface MoveReporter {
  reportMove(key: string, port: number): void
}

/**
 * The port that each listener gets, and what happens if the port is in use: by another program, or by something else that this
 * proxy serves.
 */
export class ProxyPorts {
  /** The keys of the listeners; a listener that leaves its port gets another key. */
  readonly keys = new ListenerKeys()
  readonly #allocator: PortAllocator
  readonly #reporter: MoveReporter
  /** The proxy ports of an earlier process, until listeners take them. */
  readonly #previous: Map<string, number> = new Map()
  readonly #splitNodePorts = new Set<string>()
  #reserved = new ReservedPorts([])

  constructor(allocator: PortAllocator, reporter: MoveReporter) {
    this.#allocator = allocator
    this.#reporter = reporter
  }

  /** NodePorts that cannot be held on all addresses at once; see `nodePortListeners`. */
  get splitNodePorts(): ReadonlySet<string> {
    return this.#splitNodePorts
  }

  /** Prefers the ports that an earlier process used; see `observedProxyPorts`. */
  addPrevious(ports: ReadonlyMap<string, number>): void {
    for (const [frontend, port] of ports) this.#previous.set(frontend, port)
  }

  /** Takes a new snapshot, and what else needs ports of the node. */
  update(input: ReservedPortsInput): void {
    const nodePortKeys = new Set(input.nodePorts.map(nodePortKey))
    for (const key of this.#splitNodePorts) if (!nodePortKeys.has(key)) this.#splitNodePorts.delete(key)
    this.#reserved = findReservedPorts(input)
    this.#allocator.avoid(this.#reserved.numbers)
    this.keys.retain(input.snapshot.ports)
  }

  /** Allocates a proxy port for each listener, if possible the one that an earlier process used. */
  allocate(listeners: readonly PortlessListener[]): Map<string, number> {
    const ports = new Map<string, number>()
    for (const { key, servicePort } of listeners) {
      if (key === servicePort.key) {
        const name = frontendKey(servicePort.clusterIP, servicePort.port, servicePort.protocol)
        const previousPort = this.#previous.get(name)
        this.#previous.delete(name)
        if (previousPort !== undefined) this.#allocator.prefer(key, previousPort)
      }
      const port = this.#allocator.allocate(key)
      if (port !== undefined) ports.set(key, port)
    }
    return ports
  }

  /** Frees the ports of listeners that the plan no longer has. */
  releaseUnused(previous: ListenerPlan, plan: ListenerPlan): void {
    for (const key of previous.keys()) if (!plan.has(key)) this.#allocator.release(key)
  }

  /** Gives listeners other ports, or other addresses, where theirs are in use. */
  resolveConflicts(
    snapshot: ServiceSnapshot,
    specs: ReadonlyMap<string, ListenerSpec>,
    { open, failed }: ListenerReport,
  ): ResolvedConflicts {
    const kept = new Map(specs)
    return { kept, count: this.#avoidTaken(kept, failed) + this.#leaveReserved(snapshot, kept, open) }
  }

  /** Gives up ports that other sockets use. */
  #avoidTaken(specs: Map<string, ListenerSpec>, failed: ListenerReport['failed']): number {
    let count = 0
    for (const [key, failure] of failed) {
      if (systemCode(failure.cause) !== 'EADDRINUSE') continue
      const spec = specs.get(key)
      if (spec?.holdsNodePort === true) {
        // There is no other port for a NodePort, but perhaps only one address is taken.
        if (!isOnAllAddresses(spec)) continue
        this.#splitNodePorts.add(key)
      } else {
        specs.delete(key)
        this.#allocator.refuse(key)
      }
      count++
    }
    return count
  }

  /**
   * Moves listeners whose number this proxy needs for something else, such as a NodePort. The rules then lead new clients to the
   * other port; until they do, the old one is open, and its connections continue after that.
   */
  #leaveReserved(
    { ports }: ServiceSnapshot,
    specs: ReadonlyMap<string, ListenerSpec>,
    open: ListenerReport['open'],
  ): number {
    let count = 0
    for (const { servicePort } of [...ports.values()].filter(isSupported))
      for (const trafficClass of trafficClassesOf(servicePort)) {
        const key = this.keys.of(servicePort.key, trafficClass)
        const spec = specs.get(key)
        const port = open.get(key)
        if (spec === undefined || port === undefined || !this.#reserved.has(spec, port)) continue
        if (!this.#allocator.hasOtherPort) continue
        this.keys.move(servicePort.key, trafficClass)
        this.#reporter.reportMove(key, port)
        count++
      }
    return count
  }
}
