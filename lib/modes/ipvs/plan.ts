import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePort } from '../../model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../model/snapshot.js'
import { type RuleSet } from '../../rules/rule-set.js'
import { sameItems } from '../../rules/same-items.js'
import { type IpSet } from '../../system/ip-set.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { type Portal } from '../portals.js'
import { type LedDestination } from '../stale-flows.js'
import { type Surroundings } from '../surroundings.js'
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
export interface Wanted {
  readonly snapshot: ServiceSnapshot
  /** Of all families; the same array while nothing changes. */
  readonly portals: readonly Portal[]
}

/** What the plan depends on besides Services. */
export interface Place {
  readonly surroundings: Surroundings
  /** The node's own addresses, without loopback and without those it has for Services alone. */
  readonly nodeAddresses: readonly IpAddress[]
  /** Virtual servers of others, by `serverKey`: what they have is not served by us. The same object while nothing changes. */
  readonly taken: ReadonlySet<string>
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
  readonly udp: readonly LedDestination[]
  /** Addresses where a virtual server of somebody else stands. */
  readonly blocked: readonly VirtualAddress[]
}

/** What one service port adds to the plan. */
interface Share {
  readonly of: readonly VirtualAddress[]
  readonly servers: readonly (readonly [string, VirtualServer])[]
  readonly entries: readonly SetEntry[]
  readonly udp: readonly LedDestination[]
}

/** Works out plans for one IP family, each anew only in what changed since the last. */
export class IpvsPlanner {
  readonly #family: IpFamily
  readonly #settings: PlanSettings
  #placeSaid = ''
  #taken: ReadonlySet<string> = new Set()
  #fromPodsSaid = ''
  #rules: RuleSet
  #pages = new WeakMap<Portal, readonly VirtualAddress[]>()
  #portals: readonly Portal[] | undefined
  #addresses: ReadonlyMap<ServicePort, readonly VirtualAddress[]> = new Map()
  #blocked: readonly VirtualAddress[] = []
  #shares = new WeakMap<ServedPort, Share>()
  #lastShares: readonly Share[] = []
  #last: IpvsPlan

  constructor(family: IpFamily, settings: PlanSettings) {
    this.#family = family
    this.#settings = settings
    this.#rules = ipvsRules(family, settings, [])
    const sets = this.#joinEntries([], new Map())
    this.#last = {
      servers: new Map(),
      addresses: new Set(),
      sets,
      rules: this.#rules,
      udp: [],
      blocked: [],
    }
  }

  /** @returns the same object where nothing changed */
  plan({ snapshot, portals }: Wanted, place: Place): IpvsPlan {
    this.#takePlace(place)
    const { nodePortAddresses: wanted } = place.surroundings
    const nodePortAddresses = place.nodeAddresses.filter(ip => wanted?.includes(ip) ?? true)
    const ports = [...snapshot.ports.values()].filter(({ servicePort }) => servicePort.family === this.#family)
    this.#settle(portals, nodePortAddresses)
    const shares = ports.map(port => this.#shareOf(port, place.nodeAddresses))
    if (this.#last.rules === this.#rules && sameItems(shares, this.#lastShares)) return this.#last
    this.#lastShares = shares
    this.#last = this.#join(shares, new Set(place.nodeAddresses))
    return this.#last
  }

  #takePlace(place: Place): void {
    const { fromPods, nodePortAddresses } = place.surroundings
    const fromPodsSaid = JSON.stringify(fromPods)
    if (fromPodsSaid !== this.#fromPodsSaid) this.#rules = ipvsRules(this.#family, this.#settings, fromPods)
    this.#fromPodsSaid = fromPodsSaid
    const placeSaid = JSON.stringify([nodePortAddresses, place.nodeAddresses])
    if (placeSaid === this.#placeSaid && place.taken === this.#taken) return
    this.#placeSaid = placeSaid
    this.#taken = place.taken
    this.#portals = undefined
    this.#pages = new WeakMap()
    this.#shares = new WeakMap()
  }

  /** Finds the addresses of each service port. Most snapshots differ in endpoints alone, which this does not depend on. */
  #settle(portals: readonly Portal[], nodePortAddresses: readonly IpAddress[]): void {
    if (portals === this.#portals) return
    this.#portals = portals
    const ofFamily = portals.filter(({ servicePort }) => servicePort.family === this.#family)
    const addresses = new Map<ServicePort, VirtualAddress[]>()
    const blocked: VirtualAddress[] = []
    // An address of its own goes before a node port, as it does in the rules of the other modes.
    const own = new Set<string>()
    for (const portal of [...ofFamily.filter(hasAddress), ...ofFamily.filter(portal => !hasAddress(portal))]) {
      const page = this.#pages.get(portal) ?? virtualAddressesOf(portal, nodePortAddresses)
      this.#pages.set(portal, page)
      for (const virtual of page) {
        const key = keyOf(virtual)
        if (own.has(key)) continue
        if (hasAddress(portal)) own.add(key)
        if (this.#taken.has(key)) {
          blocked.push(virtual)
          continue
        }
        const ofPort = addresses.get(portal.servicePort)
        if (ofPort === undefined) addresses.set(portal.servicePort, [virtual])
        else ofPort.push(virtual)
      }
    }
    this.#addresses = addresses
    this.#blocked = blocked
  }

  #shareOf(port: ServedPort, nodeAddresses: readonly IpAddress[]): Share {
    const { servicePort, endpoints } = port
    const of = this.#addresses.get(servicePort) ?? NOWHERE
    const known = this.#shares.get(port)
    if (known !== undefined && sameItems(known.of, of)) return known
    const servers = of.map(virtual => {
      const made = virtualServer(virtual, port, this.#settings.scheduler)
      const key = serverKey(made)
      const before = this.#last.servers.get(key)
      return [key, before !== undefined && isSameServer(before, made) ? before : made] as const
    })
    const listeners = endpoints.filter(({ serving }) => serving).map(({ ip, port }) => ({ address: ip, port }))
    const udp = servicePort.protocol === 'UDP' ? of.map(({ address, port }) => ({ address, port, listeners })) : []
    const share = { of, servers, entries: setEntries(port, of, nodeAddresses), udp }
    this.#shares.set(port, share)
    return share
  }

  #join(shares: readonly Share[], nodeAddresses: ReadonlySet<IpAddress>): IpvsPlan {
    const servers = new Map(shares.flatMap(share => share.servers))
    const addresses = new Set<IpAddress>()
    for (const { address } of servers.values()) if (!nodeAddresses.has(address)) addresses.add(address)
    const before = this.#last
    return {
      servers,
      addresses: isSameSet(before.addresses, addresses) ? before.addresses : addresses,
      sets: this.#joinEntries([...shares.flatMap(share => share.entries), ...addressEntries(addresses)], before.sets),
      rules: this.#rules,
      udp: shares.flatMap(share => share.udp),
      blocked: this.#blocked,
    }
  }

  #joinEntries(all: readonly SetEntry[], before: IpvsPlan['sets']): Map<string, IpSet> {
    const entries = new Map<SetName, Set<string>>(SET_NAMES.map(name => [name, new Set()]))
    for (const { set, entry } of all) entries.get(set)!.add(entry)
    return new Map(
      [...entries].map(([set, ofSet]) => {
        const name = kernelSetName(set, this.#family)
        const known = before.get(name)
        if (known !== undefined && isSameSet(known.entries, ofSet)) return [name, known]
        return [name, { name, type: SET_TYPES[set], family: this.#family, entries: ofSet }]
      }),
    )
  }
}

const NOWHERE: readonly VirtualAddress[] = []

function hasAddress({ address }: Portal): boolean {
  return address !== undefined
}

function keyOf({ servicePort: { protocol }, address, port }: VirtualAddress): string {
  return serverKey({ protocol, address, port })
}

function addressEntries(addresses: ReadonlySet<IpAddress>): SetEntry[] {
  return [...addresses].map(entry => ({ set: 'KUBE-IPVS-IPS', entry }))
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every(item => b.has(item))
}
