import { setTimeout as pause } from 'node:timers/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test } from 'tap'
import { ServiceNode } from '../nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { type ProxyProcess } from '../processes/proxy-process.js'
import { type AskedStatus, askPaths, askStatus } from './ask-status.js'

const WAIT_LIMIT_MS = 60_000 * TIMEOUT_FACTOR
/** Between two questions: the proxy has to do other work too. */
const PAUSE_MS = 50

/** A node with a proxy that has a status socket. */
export class StatusNode {
  readonly node: ServiceNode
  /** The path of the socket. */
  readonly socket: string

  /** @param flags of the proxy */
  static async create(t: Test, flags: readonly string[]): Promise<StatusNode> {
    const folder = mkdtempSync(join(tmpdir(), 'status-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    // The folder of the socket does not exist before.
    const socket = join(folder, 'new', 'status.sock')
    return new StatusNode(await ServiceNode.create(t, ['--status-socket', socket, ...flags]), socket)
  }

  private constructor(node: ServiceNode, socket: string) {
    this.node = node
    this.socket = socket
  }

  /** Starts a proxy, and waits until its rules are in the kernel and its socket serves. */
  async start(flags: readonly string[] = []): Promise<ProxyProcess> {
    const proxy = await this.node.start(flags)
    await proxy.waitForLine(/Serving the status API/)
    return proxy
  }

  ask(path: string, method = 'GET'): Promise<AskedStatus> {
    return askStatus(this.socket, path, method)
  }

  /** The items of a list. */
  async list<Item = Readonly<Record<string, unknown>>>(path: string): Promise<readonly Item[]> {
    const { status, body } = await this.ask(path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    return (body as { readonly items: readonly Item[] }).items
  }

  paths(): Promise<readonly string[]> {
    return askPaths(this.socket)
  }

  /**
   * Asks until the answer has what the test waits for.
   * @param what names it
   * @param find looks at the body of an answer; undefined: it is not there yet
   * @throws Error after a minute
   */
  async until<Found>(path: string, what: string, find: (body: unknown) => Found | undefined): Promise<Found> {
    const limit = performance.now() + WAIT_LIMIT_MS
    for (;;) {
      const { body } = await this.ask(path)
      const found = find(body)
      if (found !== undefined) return found
      if (performance.now() > limit) throw new Error(`${path} has no ${what}: ${JSON.stringify(body)}`)
      await pause(PAUSE_MS)
    }
  }

  /** The same for items of a list: resolves when there are some that are wanted. */
  untilListed<Item = Readonly<Record<string, unknown>>>(
    path: string,
    isWanted: (item: Item) => boolean = () => true,
  ): Promise<readonly Item[]> {
    return this.until(path, 'such item', body => {
      const wanted = (body as { readonly items: readonly Item[] }).items.filter(isWanted)
      return wanted.length > 0 ? wanted : undefined
    })
  }
}
