import { type DataPlane, type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, hostPort, unspecifiedAddress } from '../../model/address.js'
import { ProxyFailure, systemCode } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { type ServicePortKey, servicePortName } from '../../model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type Iptables } from '../../system/iptables.js'
import { type Proxier } from '../proxier.js'
import { FamilyRules, type LedPortal } from './family-rules.js'
import { listenerSpecs } from './plan.js'
import { type PortAllocator } from './port-allocator.js'
import { portalName } from './portal-rules.js'

/** How often in one update another proxy port is tried for a service port whose first one was taken. */
const PORT_ATTEMPTS = 16

export interface UserspaceProxierOptions {
  readonly dataPlane: DataPlane
  /** One for each IP family that is served. */
  readonly iptables: readonly Iptables[]
  readonly ports: PortAllocator
  /** The node's address to listen on and to lead rules to; undefined when it has none of that family. Asked at each update. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
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
  #held: ListenerPlan = new Map()
  #portals: ReadonlyMap<ServicePortKey, LedPortal> = new Map()
  /** What an earlier process listened on; each is asked for once. */
  #proxyPorts = new Map<string, number>()
  readonly #sctpTold = new Set<ServicePortKey>()

  constructor(options: UserspaceProxierOptions) {
    this.#options = options
    this.rules = options.iptables.map(iptables => new FamilyRules(iptables, options.log))
  }

  async start(): Promise<void> {
    for (const rules of this.rules) this.#proxyPorts = new Map([...this.#proxyPorts, ...(await rules.start())])
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#snapshot = snapshot
    this.#tellSctp(snapshot)
    let report = await this.#apply()
    for (let attempt = 1; attempt < PORT_ATTEMPTS && this.#refuseTakenPorts(report) > 0; attempt++)
      report = await this.#apply()
    for (const failure of report.failed.values()) this.#options.log.error('Service port is not served', failure)
    this.#portals = this.#portalsOf(report.open)
    for (const rules of this.rules) {
      rules.want(new Map([...this.#portals].filter(([, { portal }]) => portal.servicePort.family === rules.family)))
    }
    return { failed: report.failed.size + this.#withoutPort() }
  }

  /** Hands the listeners to hold to the data plane. */
  async #apply(): Promise<ListenerReport> {
    const previous = this.#specs
    const specs = listenerSpecs(this.#snapshot, this.#listenAddresses(), served => this.#claim(served), previous)
    this.#specs = specs
    const plan: ListenerPlan = new Map([...this.rules.flatMap(rules => [...rules.held]), ...specs])
    for (const key of this.#held.keys()) if (!plan.has(key)) this.#options.ports.release(key)
    this.#held = plan
    const report = await this.#options.dataPlane.apply(plan)
    this.#logChanges(previous, specs, report)
    return report
  }

  #claim({ servicePort }: ServedPort): number | undefined {
    const { clusterIP, port, protocol, key } = servicePort
    const name = portalName(clusterIP, port, protocol)
    const before = this.#proxyPorts.get(name)
    this.#proxyPorts.delete(name)
    if (before !== undefined) this.#options.ports.prefer(key, before)
    return this.#options.ports.claim(key)
  }

  /** Gives up the ports that others hold; returns for how many another one can be tried at once. */
  #refuseTakenPorts(report: ListenerReport): number {
    let count = 0
    const specs = new Map(this.#specs)
    for (const [key, failure] of report.failed) {
      if (systemCode(failure.cause) !== 'EADDRINUSE') continue
      specs.delete(key)
      this.#options.ports.refuse(key)
      count++
    }
    this.#specs = specs
    return count
  }

  /** Service ports for which no proxy port was left. */
  #withoutPort(): number {
    let count = 0
    for (const [key, { servicePort }] of this.#snapshot.ports) {
      if (this.#specs.has(key) || servicePort.protocol === 'SCTP') continue
      count++
      const message = `Cannot listen for ${key}: no port of --proxy-port-range is left`
      const hint = 'Give a wider --proxy-port-range'
      this.#options.log.error(
        'Service port is not served',
        new ProxyFailure('PROXY_PORTS_EXHAUSTED', message, { hint }),
      )
    }
    return count
  }

  /** The portals of the open listeners; one that is as before is the same object. */
  #portalsOf(open: ReadonlyMap<ServicePortKey, number>): Map<ServicePortKey, LedPortal> {
    const portals = new Map<ServicePortKey, LedPortal>()
    for (const [key, spec] of this.#specs) {
      const servicePort = this.#snapshot.ports.get(key)?.servicePort
      const proxyPort = open.get(key)
      if (servicePort === undefined || proxyPort === undefined) continue
      const before = this.#portals.get(key)
      const same =
        before?.spec === spec && before.portal.servicePort === servicePort && before.portal.proxyPort === proxyPort
      portals.set(key, same ? before : { portal: { servicePort, address: spec.address, proxyPort }, spec })
    }
    return portals
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

  #logChanges(
    previous: ReadonlyMap<string, ListenerSpec>,
    specs: ReadonlyMap<string, ListenerSpec>,
    { open }: ListenerReport,
  ): void {
    const { log } = this.#options
    if (log.enabled(1)) {
      for (const [key, spec] of specs) {
        const port = open.get(key)
        if (port === undefined || previous.has(key)) continue
        const { clusterIP, port: servicePort } = this.#snapshot.ports.get(key)!.servicePort
        log.info(1, 'Serving', {
          servicePort: key,
          clusterIP: hostPort(clusterIP, servicePort),
          proxyPort: port,
          endpoints: spec.endpoints.length,
        })
      }
      for (const key of previous.keys()) if (!specs.has(key)) log.info(1, 'No longer serving', { servicePort: key })
    }
    if (!log.enabled(3)) return
    for (const [key, spec] of specs) {
      if (previous.get(key) === spec) continue
      log.info(3, 'Endpoints', {
        servicePort: key,
        endpoints: spec.endpoints.map(({ ip, port }) => hostPort(ip, port)).join(' '),
        affinitySeconds: spec.affinityMs === undefined ? undefined : spec.affinityMs / 1000,
      })
    }
  }

  #tellSctp(snapshot: ServiceSnapshot): void {
    for (const [key, { servicePort }] of snapshot.ports) {
      if (servicePort.protocol !== 'SCTP' || this.#sctpTold.has(key)) continue
      this.#sctpTold.add(key)
      this.#options.log.warn('SCTP is not served in userspace mode', { servicePort: servicePortName(servicePort) })
    }
    for (const key of this.#sctpTold) if (!snapshot.ports.has(key)) this.#sctpTold.delete(key)
  }
}
