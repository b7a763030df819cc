import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test } from 'tap'
import { ServiceNode } from '../nodes/service-node.js'
import { type ProxyProcess } from '../processes/proxy-process.js'
import { type AskedStatus, askStatus } from './ask-status.js'

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
}
