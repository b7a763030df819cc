import { type DataPlane, type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { type EventSink } from '../../model/event-sink.js'
import { systemCode } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { type ServicePort, type ServicePortKey } from '../../model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type Proxier } from '../proxier.js'
import { entranceKey, entrancesOf } from './entrance.js'
import { FamilyRules, type HeldPortal } from './family-rules.js'
import { type PortalTarget } from './led-portal.js'
import { listenerSpecs, nodePortKey } from './plan.js'
import { type PortAllocator } from './port-allocator.js'
import { portalName } from './found-proxy-ports.js'
import { ProxierLog } from './proxier-log.js'
import { type Entrance, type Portal, type PortalAction } from '../portals.js'
import { ServedPortals } from '../served-portals.js'
import { type Surroundings } from '../surroundings.js'

/** How often in one update another proxy port is tried for a service port whose first one was taken. */
const PORT_ATTEMPTS = 16

export interface UserspaceProxierOptions {
  readonly dataPlane: DataPlane
  /** One for each IP family that is served. */
  readonly iptables: readonly Iptables[]
  readonly ports: PortAllocator
  /** The node's address to listen on and to lead rules to; undefined when it has none of that family. Asked at each update. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  readonly conntrack: Conntrack
  /** The node's own addresses of a family, loopback left out. Asked when rules are written. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  /** Asked at each update. */
  readonly surroundings: (family: IpFamily) => Surroundings
  /** Whether node ports answer on loopback too. */
  readonly localhostNodePorts: (family: IpFamily) => boolean
  readonly events: EventSink
  readonly log: Log
}

/**
 * Serves from userspace. Three sets say all there is to say:
 *
 *     wanted   service ports of the last snapshot
 *     open     listeners that hold a port
 *     ruled    portals that rules in the kernel may lead to
 *
 *     listeners to hold   =  wanted ∪ ruled     so a listener is open before, and as long as, a rule leads to it
 *     rules to write      =  wanted ∩ open      so no rule leads to where nobody listens
 *
 * A change of endpoints touches neither set: it goes to the listeners and no further.
 */
export class UserspaceProxier implements Proxier {
  readonly mode = 'userspace'
  readonly rules: readonly FamilyRules[]
  readonly #options: UserspaceProxierOptions
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #specs: ReadonlyMap<ServicePortKey, ListenerSpec> = new Map()
  readonly #served: ServedPortals
  #held: ListenerPlan = new Map()
  #portals: ReadonlyMap<string, HeldPortal> = new Map()
  /** What an earlier process listened on; each is asked for once. */
  #proxyPorts = new Map<string, number>()
  /** Service ports that have their node port for themselves. */
  #nodePorts: ReadonlySet<ServicePortKey> = new Set()
  readonly #told: ProxierLog

  constructor(options: UserspaceProxierOptions) {
    this.#options = options
    this.#told = new ProxierLog(options.log, options.events)
    this.#served = new ServedPortals(options)
    this.rules = options.iptables.map(iptables => new FamilyRules({ ...options, iptables }))
  }

  async start(): Promise<void> {
    for (const rules of this.rules) this.#proxyPorts = new Map([...this.#proxyPorts, ...(await rules.start())])
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#told.sctp(snapshot)
    const { snapshot: guarded, portals } = this.#served.of(snapshot, isServed)
    this.#snapshot = guarded
    this.#nodePorts = new Set(
      portals.filter(({ address }) => address === undefined).map(({ servicePort }) => servicePort.key),
    )
    let report = await this.#apply()
    for (let attempt = 1; attempt < PORT_ATTEMPTS && this.#refuseTakenPorts(report) > 0; attempt++)
      report = await this.#apply()
    this.#told.failed(this.#held, report)
    this.#portals = this.#hold(portals, report.open)
    for (const rules of this.rules) {
      rules.want(new Map([...this.#portals].filter(([, { led }]) => led.portal.servicePort.family === rules.family)))
    }
    return { failed: report.failed.size + this.#withoutPort() }
  }

  /** Hands the listeners to hold to the data plane. */
  async #apply(): Promise<ListenerReport> {
    const previous = this.#specs
    const options = {
      addressOf: this.#listenAddresses(),
      portOf: (servicePort: ServicePort, key: string) => this.#claim(servicePort, key),
      hasNodePort: ({ key }: ServicePort) => this.#nodePorts.has(key),
      localhostNodePorts: this.#options.localhostNodePorts,
    }
    const specs = listenerSpecs(this.#snapshot, options, previous)
    this.#specs = specs
    const plan: ListenerPlan = new Map([...this.rules.flatMap(rules => [...rules.held]), ...specs])
    for (const key of this.#held.keys()) if (!plan.has(key)) this.#options.ports.release(key)
    this.#held = plan
    const report = await this.#options.dataPlane.apply(plan)
    this.#told.listeners(specs, report, this.#snapshot)
    return report
  }

  #claim({ clusterIP, port, protocol, key: servicePortKey }: ServicePort, key: string): number | undefined {
    if (key === servicePortKey) {
      const name = portalName(clusterIP, port, protocol)
      const before = this.#proxyPorts.get(name)
      this.#proxyPorts.delete(name)
      if (before !== undefined) this.#options.ports.prefer(key, before)
    }
    return this.#options.ports.claim(key)
  }

  /** Gives up the ports that others hold; returns for how many another one can be tried at once. */
  #refuseTakenPorts(report: ListenerReport): number {
    let count = 0
    const specs = new Map(this.#specs)
    for (const [key, failure] of report.failed) {
      // A node port is what the Service says, or nothing.
      if (systemCode(failure.cause) !== 'EADDRINUSE' || specs.get(key)?.holdsNodePort === true) continue
      specs.delete(key)
      this.#options.ports.refuse(key)
      count++
    }
    this.#specs = specs
    return count
  }

  /** How many service ports some proxy port was not left for. */
  #withoutPort(): number {
    const without = [...this.#snapshot.ports.values()]
      .filter(isServed)
      .map(({ servicePort }) => servicePort)
      .filter(port => !entrancesOf(port).every(entrance => this.#specs.has(entranceKey(port.key, entrance))))
    this.#told.exhausted(without.map(({ key }) => key))
    return without.length
  }

  /** The portals all of whose listeners are open; one that is as before is the same object. */
  #hold(portals: readonly Portal[], open: ReadonlyMap<string, number>): Map<string, HeldPortal> {
    const held = new Map<string, HeldPortal>()
    for (const portal of portals) {
      const name = `${portal.servicePort.key} ${portal.name}`
      const before = this.#portals.get(name)
      if (before?.led.portal === portal && this.#isAsBefore(before, open)) {
        held.set(name, before)
        continue
      }
      const made = this.#holdOne(portal, open)
      if (made === undefined) continue
      held.set(name, before?.says === made.says && sameSpecs(before.specs, made.specs) ? before : made)
    }
    return held
  }

  /** Every listener of a portal is what it was, and where it was. */
  #isAsBefore({ specs, ports, led }: HeldPortal, open: ReadonlyMap<string, number>): boolean {
    if (led.portal.address === undefined && !open.has(nodePortKey(led.portal.servicePort))) return false
    return specs.every((spec, index) => this.#specs.get(spec.key) === spec && open.get(spec.key) === ports[index])
  }

  #holdOne(portal: Portal, open: ReadonlyMap<string, number>): HeldPortal | undefined {
    const { servicePort } = portal
    // Without the port held, somebody else may be behind it.
    if (portal.address === undefined && !open.has(nodePortKey(servicePort))) return undefined
    const targetOf = (action: PortalAction): PortalTarget | undefined => {
      if (action === 'drop') return action
      const key = entranceKey(servicePort.key, action)
      const spec = this.#specs.get(key)
      const port = open.get(key)
      return spec === undefined || port === undefined ? undefined : { address: spec.address, port }
    }
    const [fromNode, fromPods, fromElsewhere] = [portal.fromNode, portal.fromPods, portal.fromElsewhere].map(targetOf)
    if (fromNode === undefined || fromPods === undefined || fromElsewhere === undefined) return undefined
    const actions = new Set([portal.fromNode, portal.fromPods, portal.fromElsewhere])
    const entrances = [...actions].filter((action): action is Entrance => action !== 'drop')
    const specs = entrances.map(entrance => this.#specs.get(entranceKey(servicePort.key, entrance))!)
    const proxyPorts = specs
      .filter(spec => spec.address !== unspecifiedAddress(servicePort.family))
      .map(({ protocol, address, key, clients }) => ({ protocol, address, port: open.get(key)!, clients }))
    const says = JSON.stringify([fromNode, fromPods, fromElsewhere, proxyPorts])
    const ports = specs.map(({ key }) => open.get(key)!)
    return { led: { portal, fromNode, fromPods, fromElsewhere }, specs, ports, proxyPorts, says }
  }

  /** Asked once for all service ports: to look at the interfaces is a thousand times dearer than to use what was seen. */
  #listenAddresses(): (family: IpFamily) => IpAddress {
    const known = new Map<IpFamily, IpAddress>()
    return family => {
      const address = known.get(family) ?? this.#options.nodeAddress(family) ?? unspecifiedAddress(family)
      known.set(family, address)
      return address
    }
  }
}

function isServed({ servicePort }: ServedPort): boolean {
  return servicePort.protocol !== 'SCTP'
}

function sameSpecs(a: readonly ListenerSpec[], b: readonly ListenerSpec[]): boolean {
  return a.length === b.length && a.every((spec, index) => spec === b[index])
}
