import { ProxyFailure, messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { type Ipvs } from '../../system/ipvs.js'
import { changeLine } from '../../system/ipvs-text.js'
import { type VirtualServer, serverKey } from '../../system/virtual-server.js'
import { type VirtualServers, serverAfter, serverChanges } from './server-changes.js'

/** More refused servers than this at a time have a common reason, which another try may not have. */
const MAX_REFUSED = 20

interface RefusedServer {
  readonly server: VirtualServer
  readonly line: string
  readonly reason: string
}

/**
 * The virtual servers of which the kernel refuses something, such as a scheduler that it does not have. They are left out, so that
 * they keep no other one from being served, and tried again after each read of the kernel. What it takes of them is there.
 */
export class RefusedServers {
  readonly #ipvs: Ipvs
  readonly #log: Log
  readonly #refused = new Map<string, RefusedServer>()
  readonly #reporter = new OnceReporter()

  constructor(ipvs: Ipvs, log: Log) {
    this.#ipvs = ipvs
    this.#log = log
  }

  /** Whether the kernel refuses the server with this key. What it has of it stays. */
  has(key: string): boolean {
    return this.#refused.has(key)
  }

  /** How many servers the kernel refuses. */
  get count(): number {
    return this.#refused.size
  }

  /** The desired servers without those that are refused. The same object if there are none. */
  withoutRefused(desired: VirtualServers): VirtualServers {
    if (this.#refused.size === 0) return desired
    return new Map([...desired].filter(([key]) => !this.#refused.has(key)))
  }

  /**
   * Tries refused servers again, each by itself: those that are desired otherwise now, and all of them after a read.
   * @returns what the kernel has then, and whether it took anything
   */
  async retry(
    observed: VirtualServers,
    desired: VirtualServers,
    isJustRead: boolean,
  ): Promise<{ readonly servers: VirtualServers; readonly hasChanged: boolean }> {
    if (this.#refused.size === 0) return { servers: observed, hasChanged: false }
    const servers = new Map(observed)
    let hasChanged = false
    // Of a copy: what is refused again is noted again.
    for (const [key, { server }] of [...this.#refused]) {
      const wanted = desired.get(key)
      if (wanted === server && !isJustRead) continue
      this.#refused.delete(key)
      if (wanted !== undefined && (await this.#changeOne(servers, wanted))) hasChanged = true
    }
    this.#report()
    return { servers, hasChanged }
  }

  /**
   * Finds out which servers have made a change of several fail, and makes the changes of all others.
   * @param observed what the kernel has after the failure
   * @returns what it has then; undefined if too many are refused to blame the servers
   */
  async isolate(
    observed: VirtualServers,
    desired: VirtualServers,
    mayDelete: (key: string, server: VirtualServer) => boolean,
  ): Promise<VirtualServers | undefined> {
    const { changes } = serverChanges(observed, this.withoutRefused(desired), mayDelete)
    const keys = new Set(changes.map(({ server }) => serverKey(server)))
    if (keys.size > MAX_REFUSED) return undefined
    const known = new Map(observed)
    for (const key of keys) {
      const wanted = desired.get(key)
      if (wanted !== undefined) await this.#changeOne(known, wanted)
    }
    this.#report()
    const rest = serverChanges(known, this.withoutRefused(desired), mayDelete)
    await this.#ipvs.change(rest.changes)
    return rest.after
  }

  /** Makes each change of one server by itself, so that it is known what the kernel has of it. @returns whether it took any */
  async #changeOne(known: Map<string, VirtualServer>, wanted: VirtualServer): Promise<boolean> {
    const key = serverKey(wanted)
    let server = known.get(key)
    const before = server === undefined ? new Map() : new Map([[key, server]])
    const { changes, after } = serverChanges(before, new Map([[key, wanted]]), () => false)
    let hasChanged = false
    for (const change of changes) {
      try {
        await this.#ipvs.change([change])
        server = serverAfter(server, change)
        hasChanged = true
      } catch (error) {
        if (!this.#refused.has(key))
          this.#refused.set(key, { server: wanted, line: changeLine(change), reason: messageOf(error) })
        // There is no such server: the kernel can take nothing of it.
        if (server === undefined) break
      }
    }
    if (!this.#refused.has(key)) server = after.get(key)
    if (server !== undefined) known.set(key, server)
    return hasChanged
  }

  #report(): void {
    this.#reporter.update(
      [...this.#refused.values()],
      ({ line }) => line,
      ({ line, reason }) =>
        this.#log.error(
          'Cannot write one virtual server; its clients may not be served, all others are',
          new ProxyFailure('IPVS_FAILED', reason, { hint: 'The proxy tries again at each check of the kernel' }),
          { line },
        ),
    )
  }
}
