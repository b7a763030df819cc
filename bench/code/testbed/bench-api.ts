import { makeApiNode } from '../../../test/support/api/api-objects.js'
import { NodeProcess } from '../../../test/support/nodes/node-process.js'
import { NODE_IP, type NodeNetwork } from '../../../test/support/nodes/node-network.js'
import { type Resource } from '../../../test/support/api/api-server.js'
import { type ResourceAndObject } from './api-objects.js'

/** The name that proxies know their node by. */
export const NODE_NAME = 'bench-node'

/** What the API server has seen of a proxy. */
export interface ListCounts {
  /** When the first list of Services was asked for, in milliseconds since 1970. */
  readonly firstListAt: number | undefined
  /** How many lists, of whatever, were asked for. */
  readonly lists: number
}

/** An API server on the node's loopback, in a process of its own. */
export class BenchApi {
  readonly url: string
  readonly #process: NodeProcess

  private constructor(inside: NodeProcess, url: string) {
    this.#process = inside
    this.url = url
  }

  static async start(network: NodeNetwork, objects: readonly ResourceAndObject[]): Promise<BenchApi> {
    const inside = new NodeProcess(network, 'api/api-server-entry')
    const api = new BenchApi(inside, await inside.readLine())
    const node = makeApiNode(NODE_NAME, { addresses: [{ type: 'InternalIP', address: NODE_IP }] })
    await inside.sendCommand({ put: [['nodes', node]] })
    await api.put(objects)
    return api
  }

  async put(objects: readonly ResourceAndObject[]): Promise<void> {
    await this.#process.sendCommand({ put: objects })
  }

  /** Deletes objects, by their names. */
  async remove(objects: readonly (readonly [resource: Resource, name: string])[]): Promise<void> {
    await this.#process.sendCommand({ remove: objects })
  }

  /** Every watch is told that it is too old, so whoever watches lists everything anew. */
  async expireWatches(): Promise<void> {
    await this.#process.sendCommand({ expire: true })
  }

  async readListCounts(): Promise<ListCounts> {
    return JSON.parse(await this.#process.sendCommand({})) as ListCounts
  }

  stop(): void {
    this.#process.child.kill('SIGKILL')
  }
}
