import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { hasSameSettings } from './desired-server.js'
import { type VirtualServers, surplusRealServers } from './server-changes.js'

/** Which virtual servers this program has made, by `serverKey`. It never changes those of other programs. */
export class ServerOwnership {
  readonly #owned = new Set<string>()
  /** Servers that it has tried to make. Another program may have made one at the same address in the meantime. */
  readonly #tried = new Map<string, VirtualServer>()
  /** Servers of other programs at addresses that this one has wanted. */
  readonly #foreign = new Set<string>()

  /** Whether this program has made the server, now or in an earlier process. */
  has(key: string): boolean {
    return this.#owned.has(key)
  }

  /** Whether the server is known to be one of another program, whatever is recorded. */
  isForeign(key: string): boolean {
    return this.#foreign.has(key)
  }

  /** This program is about to make these servers. */
  tries(servers: Iterable<VirtualServer>): void {
    for (const server of servers) this.#tried.set(serverKey(server), server)
  }

  /** It has made them. */
  made(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#owned.add(key)
      this.#tried.delete(key)
      this.#foreign.delete(key)
    }
  }

  /** Other programs have made these, unless they belong to this one. */
  found(keys: Iterable<string>): void {
    for (const key of keys) if (!this.#owned.has(key)) this.#foreign.add(key)
  }

  /**
   * Takes what the kernel has. A server that was tried belongs to this program if it has nothing that was not tried.
   * @param recorded the servers that are recorded as those of this program: a record is made before its server
   */
  observe(servers: VirtualServers, recorded: Iterable<string>): void {
    for (const [key, wanted] of [...this.#tried]) {
      const server = servers.get(key)
      this.#tried.delete(key)
      if (server === undefined) continue
      if (hasSameSettings(server, wanted) && surplusRealServers(server, wanted).length === 0) this.made([key])
      else this.found([key])
    }
    for (const key of this.#foreign) if (!servers.has(key)) this.#foreign.delete(key)
    this.made([...recorded].filter(key => !this.#foreign.has(key)))
  }

  /** Forgets servers that no longer exist. */
  keepOnly(servers: VirtualServers): void {
    for (const key of this.#owned) if (!servers.has(key)) this.#owned.delete(key)
  }
}
