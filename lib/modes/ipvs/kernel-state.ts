import { type IpAddress, type IpFamily, familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type Log } from '../../model/log.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSet } from '../../system/ip-set.js'
import { type FoundSet, additions, headerOf, removals } from '../../system/ip-set-text.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Ipvs } from '../../system/ipvs.js'
import { type IpvsChange, changeLine } from '../../system/ipvs-text.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { ourServers } from './our-servers.js'
import { type IpvsPlan } from './plan.js'
import { type Servers, serverChanges, spentRealServers } from './server-changes.js'
import { kernelSetName } from './set-names.js'

export interface KernelStateOptions {
  readonly ipvs: Ipvs
  readonly sets: IpSets
  readonly dummy: DummyInterface
  /** Virtual servers at these addresses are never removed. */
  readonly excludeCIDRs: readonly Cidr[]
  /** The node's own addresses at the moment, loopback and those it has for Services alone left out. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly log: Log
}

/** What the kernel has, as far as we know. */
interface Known {
  readonly sets: ReadonlyMap<string, FoundSet>
  readonly addresses: ReadonlySet<IpAddress>
  readonly servers: Servers
}

/**
 * Sets, addresses and virtual servers of one IP family, as the kernel has them. Nothing is believed to be there unless the
 * kernel has said so: after a failure all of it is read again before the next change.
 */
export class KernelState {
  readonly #family: IpFamily
  readonly #options: KernelStateOptions
  /** Undefined: to be read. */
  #known: Known | undefined
  /** Servers of ours by `serverKey`, those of an earlier process among them. */
  readonly #ours = new Set<string>()
  #taken: ReadonlySet<string> = new Set()

  constructor(family: IpFamily, options: KernelStateOptions) {
    this.#family = family
    this.#options = options
  }

  /** Servers of others by `serverKey`; the same object while nothing changes. */
  get taken(): ReadonlySet<string> {
    return this.#taken
  }

  /** Reads it all, unless it is known. @throws ProxyFailure */
  async ensureKnown(): Promise<void> {
    if (this.#known === undefined) await this.read()
  }

  /** @throws ProxyFailure */
  async read(): Promise<void> {
    const { ipvs, sets, dummy, nodeAddresses } = this.#options
    const family = this.#family
    this.#known = undefined
    const [foundSets, foundServers, found] = [await sets.read(), await ipvs.list(), await dummy.read()]
    if (found === undefined) await dummy.ensure()
    const servers = foundServers.filter(({ address }) => familyOf(address) === family)
    const addresses = new Set([...(found ?? [])].filter(ip => familyOf(ip) === family))
    for (const key of ourServers({ servers, sets: foundSets, addresses }, family, nodeAddresses(family)))
      this.#ours.add(key)
    const taken = servers.map(serverKey).filter(key => !this.#ours.has(key))
    if (taken.length !== this.#taken.size || taken.some(key => !this.#taken.has(key))) this.#taken = new Set(taken)
    this.#known = { sets: foundSets, addresses, servers: new Map(servers.map(server => [serverKey(server), server])) }
  }

  /** Has the sets hold all that is wanted, and what they had. @returns whether that changed anything @throws ProxyFailure */
  async addToSets({ sets }: IpvsPlan): Promise<boolean> {
    const known = this.#take()
    const changed = await this.#restoreSets(additions(sets.values(), known.sets))
    this.#known = { ...known, sets: afterAdditions(sets, known.sets) }
    return changed
  }

  /**
   * Makes everything else true, and takes from the sets what is not wanted any more. What cannot be done for one Service is
   * done for the others all the same.
   * @returns whether that changed anything
   * @throws ProxyFailure the first of what could not be done
   */
  async bringAbout(plan: IpvsPlan): Promise<boolean> {
    const { dummy } = this.#options
    const known = this.#take()
    const failures: unknown[] = []
    const attempt = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error))
    const added = [...plan.addresses].filter(ip => !known.addresses.has(ip))
    await attempt(dummy.change(added, []))
    const { changes, after } = serverChanges(known.servers, plan.servers, (key, server) => this.#mayDelete(key, server))
    await attempt(this.#change(changes))
    const removed = [...known.addresses].filter(ip => !plan.addresses.has(ip))
    await attempt(dummy.change([], removed))
    const sets = [...plan.sets.values()].filter(set => failures.length === 0 || !this.#isBook(set))
    const setsChanged = await this.#restoreSets(removals(sets, known.sets))
    if (failures.length > 0) throw failures[0]
    for (const key of this.#ours) if (!after.has(key)) this.#ours.delete(key)
    this.#known = { sets: afterRemovals(plan.sets, known.sets), addresses: plan.addresses, servers: after }
    return setsChanged || added.length + removed.length + changes.length > 0
  }

  /** Whether real servers that are not wanted wait for their last connections to end. */
  isWaiting({ servers }: IpvsPlan): boolean {
    return [...(this.#known?.servers ?? [])].some(([key, server]) => {
      const wanted = servers.get(key)
      return wanted !== undefined && server.realServers.length > wanted.realServers.length
    })
  }

  /** Removes real servers whose last connection has ended. @throws ProxyFailure */
  async removeSpent({ servers }: IpvsPlan): Promise<void> {
    const known = this.#take()
    const found = new Map((await this.#options.ipvs.list()).map(server => [serverKey(server), server]))
    const { changes, after } = spentRealServers(found, known.servers, servers)
    await this.#change(changes)
    this.#known = { ...known, servers: after }
  }

  /** What is known, until whoever takes it has succeeded and says what is known then. */
  #take(): Known {
    const known = this.#known
    if (known === undefined) throw new Error('the kernel was not read')
    this.#known = undefined
    return known
  }

  async #restoreSets(text: string): Promise<boolean> {
    if (text === '') return false
    const { log, sets } = this.#options
    if (log.enabled(5)) log.info(5, 'Restoring sets', { family: this.#family, sets: text })
    await sets.restore(text)
    return true
  }

  async #change(changes: readonly IpvsChange[]): Promise<void> {
    if (changes.length === 0) return
    const { ipvs, log } = this.#options
    log.info(3, 'Changing virtual servers', { family: this.#family, changes: changes.length })
    if (log.enabled(4)) for (const change of changes) log.info(4, 'Changing IPVS', { change: changeLine(change) })
    for (const { kind, server } of changes) if (kind === 'add') this.#ours.add(serverKey(server))
    await ipvs.change(changes)
  }

  #mayDelete(key: string, { address }: VirtualServer): boolean {
    return this.#ours.has(key) && !this.#options.excludeCIDRs.some(range => cidrContains(range, address))
  }

  /** Whether it is the set that says what is ours: an entry may go only when its server has gone. */
  #isBook({ name }: IpSet): boolean {
    return name === kernelSetName('KUBE-IPVS-SERVERS', this.#family)
  }
}

function afterAdditions(sets: IpvsPlan['sets'], before: Known['sets']): ReadonlyMap<string, FoundSet> {
  const after = new Map(before)
  for (const [name, set] of sets) {
    const found = before.get(name)
    if (found?.entries === set.entries) continue
    const surplus = [...(found?.entries ?? [])].filter(entry => !set.entries.has(entry))
    const entries = surplus.length === 0 ? set.entries : new Set([...set.entries, ...surplus])
    after.set(name, { header: headerOf(set), entries })
  }
  return after
}

function afterRemovals(sets: IpvsPlan['sets'], before: Known['sets']): ReadonlyMap<string, FoundSet> {
  return new Map([
    ...before,
    ...[...sets].map(([name, set]) => [name, { header: headerOf(set), entries: set.entries }] as const),
  ])
}
