import { type IpAddress, type IpFamily, familyOf } from '../../model/address.js'
import { type DummyInterface } from '../../system/dummy-interface.js'
import { type IpSet, additionInput, removalInput } from '../../system/ip-set-text.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type RefusedSetLine, restoreSets } from '../../system/restore-sets.js'
import { type ObservedSets, setsAfterAdditions, setsAfterRemovals } from './observed-sets.js'
import { KernelServers, type KernelServersOptions } from './kernel-servers.js'
import { ownedServers } from './owned-servers.js'
import { type IpvsPlan } from './plan.js'
import { type VirtualServers, drainedRealServers, surplusRealServers } from './server-changes.js'
import { RefusedEntries } from './refused-entries.js'
import { kernelSetName } from './set-names.js'

export interface KernelStateOptions extends KernelServersOptions {
  readonly sets: IpSets
  readonly dummy: DummyInterface
  /** Returns the current addresses of the node, except loopback addresses and those of Services. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
}

/** What the kernel had at the last read, with the changes since. */
interface ObservedState {
  readonly sets: ObservedSets
  readonly addresses: ReadonlySet<IpAddress>
  readonly servers: VirtualServers
}

/**
 * Sets, addresses and virtual servers of one IP family in the kernel. After a failure all of them are read again before the next
 * change, because the kernel may have applied a part of it.
 */
export class KernelState {
  readonly #family: IpFamily
  readonly #options: KernelStateOptions
  /** Undefined if it must be read before the next change. */
  #observed: ObservedState | undefined
  readonly #refusedEntries: RefusedEntries
  readonly #servers: KernelServers

  constructor(family: IpFamily, options: KernelStateOptions) {
    this.#family = family
    this.#options = options
    this.#refusedEntries = new RefusedEntries(options.log)
    this.#servers = new KernelServers(family, options)
  }

  /** The `serverKey` of each server of other programs; the same object while nothing changes. */
  get foreignServers(): ReadonlySet<string> {
    return this.#servers.foreign
  }

  /** How many virtual servers, and entries of sets, the kernel refuses. */
  get refused(): { readonly server: number; readonly entry: number } {
    return { server: this.#servers.refusedCount, entry: this.#refusedEntries.count }
  }

  /** The state may be another than the known one: it is read before the next change. */
  forget(): void {
    this.#observed = undefined
  }

  /** Reads the state unless it is known. @throws ProxyFailure */
  async ensureRead(): Promise<void> {
    if (this.#observed === undefined) await this.read()
  }

  /** Reads the state from the kernel. @throws ProxyFailure */
  async read(): Promise<void> {
    const { sets, dummy, nodeAddresses } = this.#options
    const family = this.#family
    this.#observed = undefined
    const [observedSets, observedServers, observedAddresses] = [
      await sets.read(),
      await this.#servers.read(),
      await dummy.read(),
    ]
    if (observedAddresses === undefined) await dummy.ensure()
    const servers = [...observedServers.values()]
    const addresses = new Set([...(observedAddresses ?? [])].filter(ip => familyOf(ip) === family))
    const recorded = ownedServers({ servers, sets: observedSets, addresses }, family, nodeAddresses(family))
    this.#servers.observe(observedServers, recorded)
    this.#observed = {
      sets: observedSets,
      addresses,
      servers: observedServers,
    }
  }

  /** Adds the desired entries to the sets, and removes none. @returns whether that changed anything @throws ProxyFailure */
  async addToSets({ sets }: IpvsPlan): Promise<boolean> {
    const observed = this.#takeObserved()
    const { hasChanged, refused } = await this.#restoreSets(additionInput(sets.values(), observed.sets))
    this.#refusedEntries.setAdditions(refused)
    this.#observed = { ...observed, sets: setsAfterAdditions(sets, observed.sets, refused) }
    return hasChanged
  }

  /**
   * Makes addresses and virtual servers as planned, and removes surplus entries of sets. A failure for one Service does not stop the
   * changes for the others.
   * @returns whether that changed anything
   * @throws ProxyFailure the first failure
   */
  async reconcile(plan: IpvsPlan): Promise<boolean> {
    const { dummy } = this.#options
    const observed = this.#takeObserved()
    const failures: unknown[] = []
    const attempt = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error))
    const added = [...plan.addresses].filter(ip => !observed.addresses.has(ip))
    await attempt(dummy.change(added, []))
    let { servers } = observed
    let hasChangedServers = false
    try {
      ;({ servers, hasChanged: hasChangedServers } = await this.#servers.reconcile(servers, plan.servers))
    } catch (error) {
      failures.push(error)
    }
    const removed = [...observed.addresses].filter(ip => !plan.addresses.has(ip))
    await attempt(dummy.change([], removed))
    const sets = [...plan.sets.values()].filter(set => failures.length === 0 || !this.#isOwnershipSet(set))
    const { hasChanged, refused: notRemoved } = await this.#restoreSets(removalInput(sets.reverse(), observed.sets))
    this.#refusedEntries.setRemovals(notRemoved)
    if (failures.length > 0) throw failures[0]
    this.#servers.forgetExcept(servers)
    this.#observed = {
      sets: setsAfterRemovals(plan.sets, observed.sets, notRemoved),
      addresses: plan.addresses,
      servers,
    }
    return hasChanged || hasChangedServers || added.length + removed.length > 0
  }

  /** Whether the kernel has taken something that it had refused, since the last call. Clients may have begun without it. */
  takeRetried(): boolean {
    return this.#servers.takeRetried()
  }

  /** Whether real servers that the plan no longer contains wait until their last connections have closed. */
  isDraining({ servers }: IpvsPlan): boolean {
    return [...(this.#observed?.servers ?? [])].some(([key, server]) => {
      const desired = servers.get(key)
      // Nearly always the same object, which costs nothing: nothing drains.
      return desired !== undefined && desired !== server && surplusRealServers(server, desired).length > 0
    })
  }

  /** Removes real servers whose last connection has closed. @throws ProxyFailure */
  async removeDrained({ servers }: IpvsPlan): Promise<void> {
    const previous = this.#takeObserved()
    const { changes, after } = drainedRealServers(await this.#servers.read(), previous.servers, servers)
    await this.#servers.change(changes)
    this.#observed = { ...previous, servers: after }
  }

  /** Takes the known state. The caller sets the new one after a success; after a failure it is unknown. */
  #takeObserved(): ObservedState {
    const observed = this.#observed
    if (observed === undefined) throw new Error('The state of the kernel is unknown: call ensureRead first')
    this.#observed = undefined
    return observed
  }

  async #restoreSets(text: string): Promise<{ hasChanged: boolean; refused: readonly RefusedSetLine[] }> {
    const { log, sets } = this.#options
    if (text !== '' && log.enabled(5)) log.info(5, 'Restoring sets', { family: this.#family, sets: text })
    const refused = await restoreSets(sets, text)
    return { hasChanged: text.split('\n').length - 1 > refused.length, refused }
  }

  /** Whether the set records which servers this mode owns. Its entries may be removed only after their servers. */
  #isOwnershipSet({ name }: IpSet): boolean {
    return name === kernelSetName('KUBE-IPVS-SERVERS', this.#family)
  }
}
