import { type IpFamily, familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type Log } from '../../model/log.js'
import { type Ipvs } from '../../system/ipvs.js'
import { type IpvsChange, type ObservedServer, changeLine } from '../../system/ipvs-text.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { RefusedServers } from './refused-servers.js'
import { type VirtualServers, serverChanges } from './server-changes.js'
import { ServerOwnership } from './server-ownership.js'

export interface KernelServersOptions {
  readonly ipvs: Ipvs
  /** Virtual servers with these addresses are never removed. */
  readonly excludeCIDRs: readonly Cidr[]
  readonly log: Log
}

/** The virtual servers of one IP family in the kernel: those of this program, which it changes, and those of others. */
export class KernelServers {
  readonly #family: IpFamily
  readonly #options: KernelServersOptions
  readonly #ownership = new ServerOwnership()
  #foreign: ReadonlySet<string> = new Set()
  readonly #refusedServers: RefusedServers
  /** Whether the kernel was read since servers were changed last. */
  #isJustRead = false
  #hasTakenRefused = false

  constructor(family: IpFamily, options: KernelServersOptions) {
    this.#family = family
    this.#options = options
    this.#refusedServers = new RefusedServers(options.ipvs, options.log)
  }

  /** The `serverKey` of each server of other programs; the same object while nothing changes. */
  get foreign(): ReadonlySet<string> {
    return this.#foreign
  }

  /** How many the kernel refuses. */
  get refusedCount(): number {
    return this.#refusedServers.count
  }

  /** Reads them, by `serverKey`. @throws ProxyFailure */
  async read(): Promise<ReadonlyMap<string, ObservedServer>> {
    const servers = await this.#options.ipvs.list()
    const ofFamily = servers.filter(({ address }) => familyOf(address) === this.#family)
    return new Map(ofFamily.map(server => [serverKey(server), server]))
  }

  /**
   * Takes what was read together with the record of servers.
   * @param recorded the servers of this program, as the kernel's state shows them
   */
  observe(servers: VirtualServers, recorded: Iterable<string>): void {
    this.#ownership.observe(servers, recorded)
    const foreign = [...servers.keys()].filter(key => !this.#ownership.has(key))
    if (foreign.length !== this.#foreign.size || foreign.some(key => !this.#foreign.has(key)))
      this.#foreign = new Set(foreign)
    this.#isJustRead = true
  }

  /** Forgets servers of this program that no longer exist. */
  forgetExcept(servers: VirtualServers): void {
    this.#ownership.keepOnly(servers)
  }

  /** Makes the desired servers, except those that the kernel refuses. @throws ProxyFailure */
  async reconcile(
    observed: VirtualServers,
    desired: VirtualServers,
  ): Promise<{ readonly servers: VirtualServers; readonly hasChanged: boolean }> {
    const mayDelete = (key: string, server: VirtualServer): boolean => this.#mayDelete(key, server)
    const isKnown = this.#isJustRead
    const retried = await this.#refusedServers.retry(observed, desired, isKnown)
    this.#isJustRead = false
    this.#hasTakenRefused ||= retried.hasChanged
    this.#ownership.made(newKeys(observed, retried.servers))
    const wanted = this.#refusedServers.withoutRefused(desired)
    const servable = isKnown ? wanted : await this.#withoutForeign(wanted, retried.servers)
    const { changes, after } = serverChanges(retried.servers, servable, mayDelete)
    const added = newKeys(retried.servers, servable)
    this.#ownership.tries(added.map(key => servable.get(key)!))
    try {
      await this.change(changes)
      this.#ownership.made(added)
      return { servers: after, hasChanged: retried.hasChanged || changes.length > 0 }
    } catch (error) {
      const found = await this.read()
      this.#ownership.observe(found, [])
      const servers = await this.#refusedServers.isolate(found, this.#servable(desired), mayDelete)
      if (servers === undefined) throw error
      this.#ownership.made(newKeys(found, servers))
      return { servers, hasChanged: true }
    }
  }

  /**
   * The desired servers without those that another program has made since the last read: the kernel would refuse the server, and take its
   * real servers into that of the other program.
   */
  async #withoutForeign(desired: VirtualServers, known: VirtualServers): Promise<VirtualServers> {
    const added = newKeys(known, desired)
    if (added.length === 0) return desired
    const found = await this.read()
    this.#ownership.found(added.filter(key => found.has(key)))
    return this.#servable(desired)
  }

  /** The desired servers without those of other programs. The next plan does without them, and says so. */
  #servable(desired: VirtualServers): VirtualServers {
    const foreign = [...desired.keys()].filter(key => this.#ownership.isForeign(key))
    if (foreign.some(key => !this.#foreign.has(key))) this.#foreign = new Set([...this.#foreign, ...foreign])
    return foreign.length === 0 ? desired : new Map([...desired].filter(([key]) => !this.#ownership.isForeign(key)))
  }

  /** Whether the kernel has taken something that it had refused, since the last call. Clients may have begun without it. */
  takeRetried(): boolean {
    const hasTaken = this.#hasTakenRefused
    this.#hasTakenRefused = false
    return hasTaken
  }

  /** Makes changes. @throws ProxyFailure */
  async change(changes: readonly IpvsChange[]): Promise<void> {
    if (changes.length === 0) return
    const { ipvs, log } = this.#options
    log.info(3, 'Changing virtual servers', { family: this.#family, changes: changes.length })
    if (log.enabled(4)) for (const change of changes) log.info(4, 'Changing IPVS', { change: changeLine(change) })
    await ipvs.change(changes)
  }

  #mayDelete(key: string, { address }: VirtualServer): boolean {
    return (
      this.#ownership.has(key) &&
      !this.#refusedServers.has(key) &&
      !this.#options.excludeCIDRs.some(range => cidrContains(range, address))
    )
  }
}

/** The keys of servers that are new. */
function newKeys(before: VirtualServers, after: VirtualServers): readonly string[] {
  return [...after.keys()].filter(key => !before.has(key))
}
