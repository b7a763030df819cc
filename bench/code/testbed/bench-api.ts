import { makeApiNode } from '../../../test/support/api/api-objects.js'
import { NodeProcess } from '../../../test/support/nodes/node-process.js'
import { NODE_IP, type NodeNetwork } from '../../../test/support/nodes/node-network.js'
import { type Resource } from '../../../test/support/api/api-server.js'
import { type ResourceAndObject } from './api-objects.js'

/** The name of the node for all proxies. */
export const NODE_NAME = 'bench-node'

/** The requests of a proxy to the API server. */
export interface ListCounts {
  /** The time of the first list request for Services, in milliseconds since 1970. */
  readonly firstListAt: number | undefined
  /** The number of list requests for all resources. */
  readonly lists: number
}

/** An API server on the node's loopback, in its own process. */
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

  /** Deletes objects by name. */
  async remove(objects: readonly (readonly [resource: Resource, name: string])[]): Promise<void> {
    await this.#process.sendCommand({ remove: objects })
  }

  /** Ends every watch as too old, so that clients list everything again. */
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
