import { type DataPlane, type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily, hostPort, unspecifiedAddress } from '../../model/address.js'
import { ProxyFailure, systemCode } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { type ServicePort, type ServicePortKey, servicePortName } from '../../model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type FoundRules } from '../../rules/found-rules.js'
import { asFound, restoreText } from '../../rules/restore-text.js'
import { type Iptables } from '../../system/iptables.js'
import { type ProgramReport, type Proxier } from '../proxier.js'
import { listenerSpecs } from './plan.js'
import { type PortAllocator } from './port-allocator.js'
import { type Portal, portalName, portalRules, proxyPortsOf } from './portal-rules.js'

/** How often in one update another proxy port is tried for a service port whose first one was taken. */
const PORT_ATTEMPTS = 16

export interface UserspaceProxierOptions {
  readonly dataPlane: DataPlane
  readonly iptables: Iptables
  readonly ports: PortAllocator
  /** The node's address to listen on and to lead rules to; undefined when it has none of that family. Asked at each update. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  readonly log: Log
}

/** A portal as the kernel may know it. */
interface Ruled {
  readonly portal: Portal
  /** What its rules say; equal text, equal rules. */
  readonly signature: string
  readonly spec: ListenerSpec
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
  readonly #options: UserspaceProxierOptions
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #specs: ReadonlyMap<ServicePortKey, ListenerSpec> = new Map()
  #held: ListenerPlan = new Map()
  #wanted: ReadonlyMap<ServicePortKey, Ruled> = new Map()
  #ruled: ReadonlyMap<ServicePortKey, Ruled> = new Map()
  /** What the kernel's rules are, as far as we know. */
  #found: FoundRules = new Map()
  /** Whether the last write succeeded; false before the first, since links and chains have to be there even without Services. */
  #programmed = false
  /** What an earlier process listened on; each is asked for once. */
  #proxyPorts = new Map<string, number>()
  readonly #sctpTold = new Set<ServicePortKey>()

  constructor(options: UserspaceProxierOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#found = await this.#options.iptables.read(['nat'])
    this.#proxyPorts = proxyPortsOf(this.#found)
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    this.#snapshot = snapshot
    this.#tellSctp(snapshot)
    let report = await this.#apply()
    for (let attempt = 1; attempt < PORT_ATTEMPTS && this.#refuseTakenPorts(report) > 0; attempt++)
      report = await this.#apply()
    for (const failure of report.failed.values()) this.#options.log.error('Service port is not served', failure)
    this.#wanted = this.#portals(report.open)
    return { failed: report.failed.size + this.#withoutPort() }
  }

  get rulesPending(): boolean {
    if (!this.#programmed) return true
    if (this.#wanted.size !== this.#ruled.size) return true
    for (const [key, wanted] of this.#wanted) {
      const ruled = this.#ruled.get(key)
      if (ruled !== wanted && ruled?.signature !== wanted.signature) return true
    }
    return false
  }

  async program(verify: boolean): Promise<ProgramReport> {
    const { iptables } = this.#options
    if (verify) this.#found = await iptables.read(['nat'])
    const wanted = this.#wanted
    const rules = portalRules(
      iptables.family,
      [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { portal }]) => portal),
    )
    const { text, written } = restoreText(rules, this.#found)
    // From here on the kernel may know the new ones, and until the write has succeeded it may still know the old ones.
    this.#ruled = new Map([...this.#ruled, ...wanted])
    this.#programmed = false
    if (text !== '') {
      if (this.#options.log.enabled(5)) this.#options.log.info(5, 'Restoring iptables rules', { rules: text })
      await iptables.restore(text)
      this.#found = asFound(rules)
    }
    this.#ruled = wanted
    this.#programmed = true
    return {
      changed: text !== '',
      rules: [{ table: 'nat', owned: 2 * wanted.size + 2, written: written.get('nat') ?? 0 }],
    }
  }

  /** Hands the listeners to hold to the data plane. */
  async #apply(): Promise<ListenerReport> {
    const previous = this.#specs
    const specs = listenerSpecs(this.#snapshot, this.#listenAddresses(), served => this.#claim(served), previous)
    this.#specs = specs
    const plan: ListenerPlan = new Map([...[...this.#ruled].map(([key, { spec }]) => [key, spec] as const), ...specs])
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
      this.#options.log.error(
        'Service port is not served',
        new ProxyFailure('PROXY_PORTS_EXHAUSTED', message, { hint: 'Give a wider --proxy-port-range' }),
      )
    }
    return count
  }

  /** The portals of the open listeners; one that is as before is the same object. */
  #portals(open: ReadonlyMap<ServicePortKey, number>): Map<ServicePortKey, Ruled> {
    const portals = new Map<ServicePortKey, Ruled>()
    for (const [key, spec] of this.#specs) {
      const servicePort = this.#snapshot.ports.get(key)?.servicePort
      const proxyPort = open.get(key)
      if (servicePort === undefined || proxyPort === undefined) continue
      const before = this.#wanted.get(key)
      if (before?.spec === spec && before.portal.servicePort === servicePort && before.portal.proxyPort === proxyPort) {
        portals.set(key, before)
        continue
      }
      const signature = `${hostPort(servicePort.clusterIP, servicePort.port)} ${hostPort(spec.address, proxyPort)}`
      portals.set(key, { portal: { servicePort, address: spec.address, proxyPort }, spec, signature })
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
      this.#options.log.warn('SCTP is not served in userspace mode', { servicePort: nameOf(servicePort) })
    }
    for (const key of this.#sctpTold) if (!snapshot.ports.has(key)) this.#sctpTold.delete(key)
  }
}

function nameOf(servicePort: ServicePort): string {
  return `${servicePortName(servicePort)}/${servicePort.protocol}`
}
