import { apiNode } from '../../support/api-objects.js'
import { InsideNode } from '../../support/inside-node.js'
import { NODE_IP, type NodeNetwork } from '../../support/node-network.js'
import { type Resource } from '../../support/api-server.js'
import { type ResourceAndObject } from './api-objects-of.js'

/** The name that proxies know their node by. */
export const NODE_NAME = 'bench-node'

/** What the API server has seen of a proxy. */
export interface SeenLists {
  /** When the first list of Services was asked for, in milliseconds since 1970. */
  readonly firstListAt: number | undefined
  /** How many lists, of whatever, were asked for. */
  readonly lists: number
}

/** An API server on the node's loopback, in a process of its own. */
export class BenchApi {
  readonly url: string
  readonly #inside: InsideNode

  private constructor(inside: InsideNode, url: string) {
    this.#inside = inside
    this.url = url
  }

  static async start(network: NodeNetwork, objects: readonly ResourceAndObject[]): Promise<BenchApi> {
    const inside = new InsideNode(network, 'api-server-inside')
    const api = new BenchApi(inside, await inside.line())
    const node = apiNode(NODE_NAME, { addresses: [{ type: 'InternalIP', address: NODE_IP }] })
    await inside.command({ put: [['nodes', node]] })
    await api.put(objects)
    return api
  }

  async put(objects: readonly ResourceAndObject[]): Promise<void> {
    await this.#inside.command({ put: objects })
  }

  /** Deletes objects, by their names. */
  async remove(objects: readonly (readonly [resource: Resource, name: string])[]): Promise<void> {
    await this.#inside.command({ remove: objects })
  }

  /** Every watch is told that it is too old, so whoever watches lists everything anew. */
  async expire(): Promise<void> {
    await this.#inside.command({ expire: true })
  }

  async seen(): Promise<SeenLists> {
    return JSON.parse(await this.#inside.command({})) as SeenLists
  }

  stop(): void {
    this.#inside.child.kill('SIGKILL')
  }
}
