import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'
import { type IpSet } from '../../system/ip-set-text.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type FlowTarget } from '../stale-flows.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { type RuleSettings, ipvsRules } from './ipvs-rules.js'
import { type SetEntry, setEntries } from './set-entries.js'
import { SET_NAMES, SET_TYPES, type SetName, kernelSetName } from './set-names.js'
import { type VirtualAddress, virtualAddressesOf } from './virtual-address.js'
import { isSameServer, virtualServer } from './virtual-server.js'

export interface PlanSettings extends RuleSettings {
  /** For Services that ask for nothing else; the kernel's name. */
  readonly scheduler: string
}

/** What is to be served. */
export interface DesiredServices {
  readonly snapshot: ServiceSnapshot
  /** Of all families; the same array while nothing changes. */
  readonly frontends: readonly Frontend[]
}

/** What the plan depends on besides Services. */
export interface PlanContext {
  readonly localTraffic: LocalTraffic
  /** The node's own addresses, without loopback and without those it has for Services alone. */
  readonly nodeAddresses: readonly IpAddress[]
  /** Virtual servers of others, by `serverKey`: what they have is not served by us. The same object while nothing changes. */
  readonly foreignServers: ReadonlySet<string>
}

/** Everything that the kernel is to have for one IP family. What is as before is the same object. */
export interface IpvsPlan {
  /** By `serverKey`. */
  readonly servers: ReadonlyMap<string, VirtualServer>
  /** Those that the node is to have for Services alone. */
  readonly addresses: ReadonlySet<IpAddress>
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, IpSet>
  readonly rules: RuleSet
  /** Where clients send UDP to, with the endpoints that may answer them. */
  readonly udpTargets: readonly FlowTarget[]
  /** Addresses where a virtual server of somebody else stands. */
  readonly blocked: readonly VirtualAddress[]
}

/** What one service port adds to the plan. */
interface ServicePortPlan {
  readonly addresses: readonly VirtualAddress[]
  readonly servers: readonly (readonly [string, VirtualServer])[]
  readonly entries: readonly SetEntry[]
  readonly udpTargets: readonly FlowTarget[]
}

/** Works out plans for one IP family, each anew only in what changed since the last. */
export class IpvsPlanner {
  readonly #family: IpFamily
  readonly #settings: PlanSettings
  #contextFingerprint = ''
  #foreignServers: ReadonlySet<string> = new Set()
  #localMatchesFingerprint = ''
  #rules: RuleSet
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
    this.#rules = ipvsRules(family, settings, [])
    const sets = this.#joinEntries([], new Map())
    this.#lastPlan = {
      servers: new Map(),
      addresses: new Set(),
      sets,
      rules: this.#rules,
      udpTargets: [],
      blocked: [],
    }
  }

  /** @returns the same object where nothing changed */
  plan({ snapshot, frontends }: DesiredServices, context: PlanContext): IpvsPlan {
    this.#setContext(context)
    const { nodePortAddresses: configured } = context.localTraffic
    const nodePortAddresses = context.nodeAddresses.filter(ip => configured?.includes(ip) ?? true)
    const ports = [...snapshot.ports.values()].filter(({ servicePort }) => servicePort.family === this.#family)
    this.#resolveAddresses(frontends, nodePortAddresses)
    const portPlans = ports.map(port => this.#planPort(port, context.nodeAddresses))
    if (this.#lastPlan.rules === this.#rules && sameItems(portPlans, this.#lastPortPlans)) return this.#lastPlan
    this.#lastPortPlans = portPlans
    this.#lastPlan = this.#join(portPlans, new Set(context.nodeAddresses))
    return this.#lastPlan
  }

  #setContext(context: PlanContext): void {
    const { localMatches, nodePortAddresses } = context.localTraffic
    const localMatchesFingerprint = JSON.stringify(localMatches)
    if (localMatchesFingerprint !== this.#localMatchesFingerprint)
      this.#rules = ipvsRules(this.#family, this.#settings, localMatches)
    this.#localMatchesFingerprint = localMatchesFingerprint
    const contextFingerprint = JSON.stringify([nodePortAddresses, context.nodeAddresses])
    if (contextFingerprint === this.#contextFingerprint && context.foreignServers === this.#foreignServers) return
    this.#contextFingerprint = contextFingerprint
    this.#foreignServers = context.foreignServers
    this.#frontends = undefined
    this.#addressCache = new WeakMap()
    this.#portPlans = new WeakMap()
  }

  /** Finds the addresses of each service port. Most snapshots differ in endpoints alone, which this does not depend on. */
  #resolveAddresses(frontends: readonly Frontend[], nodePortAddresses: readonly IpAddress[]): void {
    if (frontends === this.#frontends) return
    this.#frontends = frontends
    const ofFamily = frontends.filter(({ servicePort }) => servicePort.family === this.#family)
    const addresses = new Map<ServicePort, VirtualAddress[]>()
    const blocked: VirtualAddress[] = []
    // An address of its own goes before a node port, as it does in the rules of the other modes.
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
      const built = virtualServer(virtual, port, this.#settings.scheduler)
      const key = serverKey(built)
      const before = this.#lastPlan.servers.get(key)
      return [key, before !== undefined && isSameServer(before, built) ? before : built] as const
    })
    const replySources = endpoints.filter(({ serving }) => serving).map(({ ip, port }) => ({ address: ip, port }))
    const udpTargets =
      servicePort.protocol === 'UDP' ? addresses.map(({ address, port }) => ({ address, port, replySources })) : []
    const portPlan = { addresses, servers, entries: setEntries(port, addresses, nodeAddresses), udpTargets }
    this.#portPlans.set(port, portPlan)
    return portPlan
  }

  #join(portPlans: readonly ServicePortPlan[], nodeAddresses: ReadonlySet<IpAddress>): IpvsPlan {
    const servers = new Map(portPlans.flatMap(share => share.servers))
    const addresses = new Set<IpAddress>()
    for (const { address } of servers.values()) if (!nodeAddresses.has(address)) addresses.add(address)
    const previous = this.#lastPlan
    return {
      servers,
      addresses: areSetsEqual(previous.addresses, addresses) ? previous.addresses : addresses,
      sets: this.#joinEntries(
        [...portPlans.flatMap(share => share.entries), ...addressEntries(addresses)],
        previous.sets,
      ),
      rules: this.#rules,
      udpTargets: portPlans.flatMap(share => share.udpTargets),
      blocked: this.#blocked,
    }
  }

  #joinEntries(all: readonly SetEntry[], previous: IpvsPlan['sets']): Map<string, IpSet> {
    const entries = new Map<SetName, Set<string>>(SET_NAMES.map(name => [name, new Set()]))
    for (const { set, entry } of all) entries.get(set)!.add(entry)
    return new Map(
      [...entries].map(([set, ofSet]) => {
        const name = kernelSetName(set, this.#family)
        const known = previous.get(name)
        if (known !== undefined && areSetsEqual(known.entries, ofSet)) return [name, known]
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
