import { type Frontend } from '../../frontends/frontend.js'
import { type DataPlane, type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, familyOf, hostPort, unspecifiedAddress } from '../../model/address.js'
import { type LocalAddresses } from '../../model/local-addresses.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../../model/snapshot.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type Proxier } from '../proxier.js'
import { type ReservedPort } from './reserved-ports.js'
import { UserspaceFamily } from './family.js'
import { type ProgrammedFrontends, programmableFrontends } from './programmable-frontends.js'
import { type NodePortPlace } from './node-port-listeners.js'
import { isSupported, listenerSpecs, listenersWithoutPort } from './plan.js'
import { type PortAllocator } from './port-allocator.js'
import { ProxierReporter, type ProxierReporterOptions } from './proxier-reporter.js'
import { ProxyPorts } from './proxy-ports.js'
import { FrontendTable, type ServedFrontends } from '../../frontends/frontend-table.js'
import { NodeEndpointFilter } from '../../frontends/node-endpoint-filter.js'
import { FrontendReporter } from '../frontend-reporter.js'
import { type FlowCleanupObserver } from '../stale-flow-cleanup.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'

/** How many proxy ports one update tries for a listener, if other programs use the first ones. */
const PORT_ATTEMPTS = 16

export interface UserspaceProxierOptions extends ProxierReporterOptions {
  readonly dataPlane: DataPlane
  /** One for each IP family that the node serves. */
  readonly iptables: readonly Iptables[]
  readonly chainOwners: ChainOwners
  readonly portAllocator: PortAllocator
  /** Returns the node's address for listeners and rules; undefined if it has none of that family. Called at each update. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  readonly conntrack: Conntrack
  readonly flowObserver?: FlowCleanupObserver | undefined
  /** Returns the node's addresses of a family, except loopback addresses. Called when rules are written. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  /** What the kernel delivers to the node itself; the same object while nothing changes. Called at each update. */
  readonly localAddresses: (family: IpFamily) => LocalAddresses
  /** Called at each update. */
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  /** Whether NodePorts answer on loopback too. */
  readonly localhostNodePorts: (family: IpFamily) => boolean
  /** Whether an address of the node may be an endpoint without being a Pod. */
  readonly servesNodeAddresses: boolean
  /** The node's addresses that Pods with hostNetwork have. Called at each update. */
  readonly podAddresses: (family: IpFamily) => readonly IpAddress[]
  /** The HTTP ports of this process. */
  readonly httpPorts: readonly ReservedPort[]
}

/**
 * Serves from userspace. Three sets describe its state:
 *
 *     desired      service ports of the last snapshot
 *     open         listeners that hold a port
 *     programmed   frontends that rules in the kernel may contain
 *
 *     listeners to hold   =  desired ∪ programmed   so a listener is open before, and as long as, a rule uses it
 *     rules to write      =  desired ∩ open         so no rule uses a port without a listener
 *
 * A change of endpoints changes none of these sets: it only updates the listeners.
 */
export class UserspaceProxier implements Proxier {
  readonly rules: readonly UserspaceFamily[]
  readonly #options: UserspaceProxierOptions
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #specs: ReadonlyMap<ServicePortKey, ListenerSpec> = new Map()
  readonly #frontendTable: FrontendTable
  readonly #frontendReporter: FrontendReporter
  #listenerPlan: ListenerPlan = new Map()
  #frontends: ProgrammedFrontends = new Map()
  /** The port of each open listener, by its key. */
  #open: ListenerReport['open'] = new Map()
  /** The ports of open listeners: `TCP 192.168.50.1:40000`. */
  #openPorts: ReadonlySet<string> = new Set()
  /** The service ports that own their NodePort. */
  #nodePortOwners: ReadonlySet<ServicePortKey> = new Set()
  readonly #proxyPorts: ProxyPorts
  readonly #reporter: ProxierReporter

  constructor(options: UserspaceProxierOptions) {
    this.#options = options
    this.#reporter = new ProxierReporter(options)
    this.#proxyPorts = new ProxyPorts(options.portAllocator, this.#reporter)
    this.#frontendTable = new FrontendTable(
      options.localAddresses,
      options.servesNodeAddresses
        ? undefined
        : new NodeEndpointFilter({ local: options.localAddresses, ofPods: options.podAddresses }),
    )
    this.#frontendReporter = new FrontendReporter(options.log, options.events)
    this.rules = options.iptables.map(iptables => new UserspaceFamily({ ...options, iptables }))
  }

  get served(): ServedFrontends {
    return this.#frontendTable
  }

  get frontendsByListener(): ReadonlyMap<ServicePortKey, readonly Frontend[]> {
    const byListener = new Map<ServicePortKey, Frontend[]>()
    for (const { resolved, specs } of this.#frontends.values())
      for (const { key } of specs) byListener.set(key, [...(byListener.get(key) ?? []), resolved.frontend])
    return byListener
  }

  get listeners(): readonly ListenerSpec[] {
    return [...this.#listenerPlan.values()].flatMap(spec => {
      const port = this.#open.get(spec.key)
      return port === undefined ? [] : [{ ...spec, port }]
    })
  }

  async start(): Promise<void> {
    for (const rules of this.rules) this.#proxyPorts.addPrevious(await rules.start())
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#reporter.reportSctp(snapshot)
    const resolved = this.#frontendTable.resolve(snapshot, isSupported)
    this.#frontendReporter.report(resolved)
    const { snapshot: filtered, frontends } = resolved
    this.#snapshot = filtered
    const nodePorts = frontends.filter(({ address }) => address === undefined).map(({ servicePort }) => servicePort)
    this.#nodePortOwners = new Set(nodePorts.map(({ key }) => key))
    this.#proxyPorts.update({
      snapshot: filtered,
      nodePorts,
      families: this.rules.map(({ family }) => family),
      nodePortAddresses: family => this.#options.localTraffic(family).nodePortAddresses,
      httpPorts: this.#options.httpPorts,
    })
    const openBefore = this.#openPorts
    let report = await this.#applyListeners()
    for (let attempt = 1; attempt < PORT_ATTEMPTS && this.#resolveConflicts(report); attempt++)
      report = await this.#applyListeners()
    const { open } = report
    if (this.#proxyPorts.keys.settle(key => open.has(key))) report = await this.#applyListeners()
    this.#reporter.reportFailures(this.#listenerPlan, report)
    const listeners = {
      specs: this.#specs,
      open: report.open,
      keys: this.#proxyPorts.keys,
      servesNodePorts: this.#servesNodePorts,
    }
    this.#frontends = programmableFrontends(frontends, listeners, this.#frontends)
    for (const rules of this.rules)
      rules.setDesired(
        new Map(
          [...this.#frontends].filter(([, { resolved }]) => resolved.frontend.servicePort.family === rules.family),
        ),
      )
    // Where a listener of this proxy has closed, the next update can hold a NodePort with its number.
    const hasSplit = this.#proxyPorts.splitNodePorts.size > 0
    const canHoldMore = hasSplit && [...openBefore].some(port => !this.#openPorts.has(port))
    return { failed: report.failed.size + this.#countWithoutPort() + Number(canHoldMore) }
  }

  async releaseNodePorts(): Promise<void> {
    const plan = new Map([...this.#listenerPlan].filter(([, { holdsNodePort }]) => !holdsNodePort))
    // Without a worker it rejects, once the sockets of this process are released all the same.
    await this.#options.dataPlane.apply(plan).catch(() => undefined)
  }

  /** Passes the listeners to hold to the data plane. */
  async #applyListeners(): Promise<ListenerReport> {
    const previous = this.#specs
    const { keys } = this.#proxyPorts
    const listenAddresses = this.#listenAddresses()
    const specs = listenerSpecs(
      {
        snapshot: this.#snapshot,
        listenAddresses,
        proxyPorts: this.#proxyPorts.allocate(listenersWithoutPort(this.#snapshot, previous, keys)),
        nodePortOwners: this.#nodePortOwners,
        nodePortPlaces: new Map([...listenAddresses].map(([family, ip]) => [family, this.#nodePortPlace(family, ip)])),
        keys,
      },
      previous,
    )
    this.#specs = specs
    // NodePorts first: while they are held, the kernel chooses no proxy port with such a number.
    const nodePorts = [...specs].filter(([, { holdsNodePort }]) => holdsNodePort)
    const programmed = this.rules.flatMap(rules => [...rules.programmedListeners].map(each => this.#newestKnown(each)))
    const plan: ListenerPlan = new Map([...nodePorts, ...programmed, ...specs])
    this.#proxyPorts.releaseUnused(this.#listenerPlan, plan)
    this.#listenerPlan = plan
    const report = await this.#options.dataPlane.apply(plan)
    this.#open = report.open
    this.#openPorts = new Set(
      [...plan.values()]
        .filter(({ key, holdsNodePort }) => !holdsNodePort && report.open.has(key))
        .map(({ key, protocol, address }) => `${protocol} ${hostPort(address, report.open.get(key)!)}`),
    )
    this.#reporter.reportListeners(specs, report, this.#snapshot)
    return report
  }

  /** A listener that rules use, with the endpoints of the last plan: a change of endpoints writes no rules, so those of the rules may be old. */
  #newestKnown([key, spec]: readonly [ServicePortKey, ListenerSpec]): readonly [ServicePortKey, ListenerSpec] {
    const { address, port } = spec
    return [key, { ...spec, ...this.#listenerPlan.get(key), address, port }]
  }

  #nodePortPlace(family: IpFamily, nodeAddress: IpAddress): NodePortPlace {
    const { localTraffic, nodeAddresses, localhostNodePorts } = this.#options
    return {
      nodeAddress,
      served: localTraffic(family).nodePortAddresses,
      nodeAddresses: () => nodeAddresses(family),
      isOnLoopback: localhostNodePorts(family),
      splitKeys: this.#proxyPorts.splitNodePorts,
      isProxyPort: (protocol, address, port) =>
        [address, unspecifiedAddress(family)].some(ip => this.#openPorts.has(`${protocol} ${hostPort(ip, port)}`)),
    }
  }

  readonly #servesNodePorts = (address: IpAddress): boolean =>
    this.#options.localTraffic(familyOf(address)).nodePortAddresses?.includes(address) ?? true

  /** Changes the plan where ports are in use. @returns whether it has changed */
  #resolveConflicts(report: ListenerReport): boolean {
    const { kept, count } = this.#proxyPorts.resolveConflicts(this.#snapshot, this.#specs, report)
    this.#specs = kept
    return count > 0
  }

  /** How many service ports lack a proxy port, because none is free. */
  #countWithoutPort(): number {
    const without = listenersWithoutPort(this.#snapshot, this.#specs, this.#proxyPorts.keys)
    const keys = new Set(without.map(({ servicePort }) => servicePort.key))
    this.#reporter.reportExhausted([...keys])
    return keys.size
  }

  /** The node's address for each IP family in the snapshot. Reading the interfaces for every service port would be too slow. */
  #listenAddresses(): Map<IpFamily, IpAddress> {
    const addresses = new Map<IpFamily, IpAddress>()
    for (const { servicePort } of this.#snapshot.ports.values()) {
      const { family } = servicePort
      if (!addresses.has(family)) addresses.set(family, this.#options.nodeAddress(family) ?? unspecifiedAddress(family))
    }
    return addresses
  }
}
