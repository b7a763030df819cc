import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { Memo } from '../../primitives/memo.js'
import { reuseEqual, sameItems } from '../../primitives/reuse-equal.js'
import { type IpSet } from '../../system/ip-set-text.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type FlowTarget } from '../stale-flows.js'
import { type LocalMatch, type LocalTraffic } from '../../frontends/local-traffic.js'
import { type IpvsRuleSettings, ipvsRules } from './ipvs-rules.js'
import { type SetEntry, setEntries } from './set-entries.js'
import { SET_NAMES, SET_TYPES, type SetName, kernelSetName } from './set-names.js'
import { type VirtualAddress, virtualAddressesOf } from './virtual-address.js'
import { desiredServer } from './desired-server.js'

/** What the operator configured. */
export interface PlanSettings extends IpvsRuleSettings {
  /** The kernel's name of the scheduler for Services that do not ask for another one. */
  readonly scheduler: string
}

/** The Services to serve. */
export interface DesiredServices {
  readonly snapshot: ServiceSnapshot
  /** The frontends that are served, of all families; the same array while nothing in it changed. */
  readonly frontends: readonly Frontend[]
}

/** What the plan depends on besides Services. */
export interface PlanContext {
  readonly localTraffic: LocalTraffic
  /** The node's own addresses, without loopback and without the addresses of Services. */
  readonly nodeAddresses: readonly IpAddress[]
  /**
   * Virtual servers of other programs, by `serverKey`: the plan leaves their addresses alone. The same object while nothing
   * changes.
   */
  readonly foreignServers: ReadonlySet<string>
}

/** Everything that the kernel should have for one IP family. What did not change is the same object as in the last plan. */
export interface IpvsPlan {
  /** By `serverKey`. */
  readonly servers: ReadonlyMap<string, VirtualServer>
  /** The Service addresses that the node's dummy interface should have. */
  readonly addresses: ReadonlySet<IpAddress>
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, IpSet>
  readonly rules: RuleSet
  /** The addresses that clients send TCP and UDP to, with the endpoints that may reply. */
  readonly flowTargets: readonly FlowTarget[]
  /** Addresses that are not served because another program has a virtual server there. */
  readonly blocked: readonly VirtualAddress[]
}

/** What one service port adds to the plan. */
interface ServicePortPlan {
  readonly addresses: readonly VirtualAddress[]
  readonly servers: readonly (readonly [string, VirtualServer])[]
  readonly entries: readonly SetEntry[]
  readonly flowTargets: readonly FlowTarget[]
}

/** Plans ipvs mode for one IP family. It remembers its last plan, so an update costs as much as what changed. */
export class IpvsPlanner {
  readonly #family: IpFamily
  readonly #settings: PlanSettings
  readonly #rules: Memo<readonly LocalMatch[], RuleSet>
  /** The part of the context that the plan of every service port depends on. */
  #nodeContext: readonly unknown[] = []
  #foreignServers: ReadonlySet<string> = new Set()
  #addressCache = new WeakMap<Frontend, readonly VirtualAddress[]>()
  #frontends: readonly Frontend[] | undefined
  #addresses: ReadonlyMap<ServicePort, readonly VirtualAddress[]> = new Map()
  #blocked: readonly VirtualAddress[] = []
  #portPlans = new WeakMap<ServedPort, ServicePortPlan>()
  #lastPortPlans: readonly ServicePortPlan[] = []
  #lastPlan: IpvsPlan

  constructor(family: IpFamily, settings: PlanSettings) {
    this.#family = family
    this.#settings = settings
    this.#rules = new Memo(localMatches => ipvsRules(family, settings, localMatches))
    this.#lastPlan = {
      servers: new Map(),
      addresses: new Set(),
      sets: this.#joinEntries([], new Map()),
      rules: this.#rules.get([]),
      flowTargets: [],
      blocked: [],
    }
  }

  /** @returns the same object where nothing changed */
  plan({ snapshot, frontends }: DesiredServices, context: PlanContext): IpvsPlan {
    const { localMatches, nodePortAddresses: configured } = context.localTraffic
    const rules = this.#rules.get(localMatches)
    this.#setNodeContext([configured, context.nodeAddresses], context.foreignServers)
    const nodePortAddresses = context.nodeAddresses.filter(ip => configured?.includes(ip) ?? true)
    const ports = [...snapshot.ports.values()].filter(({ servicePort }) => servicePort.family === this.#family)
    this.#resolveAddresses(frontends, nodePortAddresses)
    const portPlans = ports.map(port => this.#planPort(port, context.nodeAddresses))
    if (this.#lastPlan.rules === rules && sameItems(portPlans, this.#lastPortPlans)) return this.#lastPlan
    this.#lastPortPlans = portPlans
    this.#lastPlan = this.#join(rules, portPlans, new Set(context.nodeAddresses))
    return this.#lastPlan
  }

  /** Forgets what it planned for service ports if the node's addresses or the servers of other programs changed. */
  #setNodeContext(given: readonly unknown[], foreignServers: ReadonlySet<string>): void {
    const nodeContext = reuseEqual(this.#nodeContext, given)
    if (nodeContext === this.#nodeContext && foreignServers === this.#foreignServers) return
    this.#nodeContext = nodeContext
    this.#foreignServers = foreignServers
    this.#frontends = undefined
    this.#addressCache = new WeakMap()
    this.#portPlans = new WeakMap()
  }

  /** Finds the addresses of each service port. They do not depend on endpoints, which are all that most snapshots change. */
  #resolveAddresses(frontends: readonly Frontend[], nodePortAddresses: readonly IpAddress[]): void {
    if (frontends === this.#frontends) return
    this.#frontends = frontends
    const ofFamily = frontends.filter(({ servicePort }) => servicePort.family === this.#family)
    const addresses = new Map<ServicePort, VirtualAddress[]>()
    const blocked: VirtualAddress[] = []
    // An address of a Service wins over a node port at the same address, as in the rules of the other modes.
    const own = new Set<string>()
    for (const frontend of [...ofFamily.filter(hasAddress), ...ofFamily.filter(frontend => !hasAddress(frontend))]) {
      const cached = this.#addressCache.get(frontend) ?? virtualAddressesOf(frontend, nodePortAddresses)
      this.#addressCache.set(frontend, cached)
      for (const virtual of cached) {
        const key = addressKey(virtual)
        if (own.has(key)) continue
        if (hasAddress(frontend)) own.add(key)
        if (this.#foreignServers.has(key)) {
          blocked.push(virtual)
          continue
        }
        const ofPort = addresses.get(frontend.servicePort)
        if (ofPort === undefined) addresses.set(frontend.servicePort, [virtual])
        else ofPort.push(virtual)
      }
    }
    this.#addresses = addresses
    this.#blocked = blocked
  }

  #planPort(port: ServedPort, nodeAddresses: readonly IpAddress[]): ServicePortPlan {
    const { servicePort, endpoints } = port
    const addresses = this.#addresses.get(servicePort) ?? NO_ADDRESSES
    const cached = this.#portPlans.get(port)
    if (cached !== undefined && sameItems(cached.addresses, addresses)) return cached
    const servers = addresses.map(virtual => {
      const built = desiredServer(virtual, port, this.#settings.scheduler)
      const key = serverKey(built)
      return [key, reuseEqual(this.#lastPlan.servers.get(key), built)] as const
    })
    const replySources = endpoints.filter(({ serving }) => serving).map(({ ip, port }) => ({ address: ip, port }))
    const { protocol } = servicePort
    const flowTargets = addresses.map(({ address, port }) => ({ protocol, address, port, replySources }))
    const portPlan = { addresses, servers, entries: setEntries(port, addresses, nodeAddresses), flowTargets }
    this.#portPlans.set(port, portPlan)
    return portPlan
  }

  #join(rules: RuleSet, portPlans: readonly ServicePortPlan[], nodeAddresses: ReadonlySet<IpAddress>): IpvsPlan {
    const servers = new Map(portPlans.flatMap(portPlan => portPlan.servers))
    const addresses = new Set<IpAddress>()
    for (const { address } of servers.values()) if (!nodeAddresses.has(address)) addresses.add(address)
    const previous = this.#lastPlan
    return {
      servers,
      addresses: areSetsEqual(previous.addresses, addresses) ? previous.addresses : addresses,
      sets: this.#joinEntries(
        [...portPlans.flatMap(portPlan => portPlan.entries), ...addressEntries(addresses)],
        previous.sets,
      ),
      rules,
      flowTargets: portPlans.flatMap(portPlan => portPlan.flowTargets),
      blocked: this.#blocked,
    }
  }

  /** Groups entries by set. A set stays the same object while its entries are equal. */
  #joinEntries(all: readonly SetEntry[], previous: IpvsPlan['sets']): Map<string, IpSet> {
    const entries = new Map<SetName, Set<string>>(SET_NAMES.map(name => [name, new Set()]))
    for (const { set, entry } of all) entries.get(set)!.add(entry)
    return new Map(
      [...entries].map(([set, ofSet]) => {
        const name = kernelSetName(set, this.#family)
        const before = previous.get(name)
        if (before !== undefined && areSetsEqual(before.entries, ofSet)) return [name, before]
        return [name, { name, type: SET_TYPES[set], family: this.#family, entries: ofSet }]
      }),
    )
  }
}

const NO_ADDRESSES: readonly VirtualAddress[] = []

function hasAddress({ address }: Frontend): boolean {
  return address !== undefined
}

function addressKey({ servicePort: { protocol }, address, port }: VirtualAddress): string {
  return serverKey({ protocol, address, port })
}

function addressEntries(addresses: ReadonlySet<IpAddress>): SetEntry[] {
  return [...addresses].map(entry => ({ set: 'KUBE-IPVS-IPS', entry }))
}

function areSetsEqual(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(item => b.has(item))
}
