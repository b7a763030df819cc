import { type IpAddress } from '../../../lib/model/address.js'
import { type DummyInterface } from '../../../lib/system/dummy-interface.js'

/** The interface of ipvs mode in memory. Adding an existing address or removing a missing one is an error. */
export class MemoryDummyInterface implements DummyInterface {
  /** Number of changes. */
  writes = 0
  #addresses: ReadonlySet<IpAddress> | undefined

  /** Its addresses in the order of their creation; empty without the interface. */
  get addresses(): readonly IpAddress[] {
    return [...(this.#addresses ?? [])]
  }

  read(): Promise<ReadonlySet<IpAddress> | undefined> {
    return Promise.resolve(this.#addresses)
  }

  ensure(): Promise<void> {
    this.#addresses ??= new Set()
    return Promise.resolve()
  }

  change(added: Iterable<IpAddress>, removed: Iterable<IpAddress>): Promise<void> {
    if (this.#addresses === undefined) return Promise.reject(new Error('Cannot find device "kube-ipvs0"'))
    const addresses = new Set(this.#addresses)
    const failures: string[] = []
    for (const ip of added) {
      this.writes++
      if (addresses.has(ip)) failures.push(`${ip}: File exists`)
      addresses.add(ip)
    }
    for (const ip of removed) {
      this.writes++
      if (!addresses.delete(ip)) failures.push(`${ip}: Cannot assign requested address`)
    }
    this.#addresses = addresses
    return failures.length === 0 ? Promise.resolve() : Promise.reject(new Error(failures.join('; ')))
  }

  /** Whether the interface exists. */
  get isThere(): boolean {
    return this.#addresses !== undefined
  }

  delete(): Promise<void> {
    this.writes++
    this.#addresses = undefined
    return Promise.resolve()
  }
}
