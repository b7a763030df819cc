import { InsideNode } from './inside-node.js'
import { type InsideCommand, type InsideService } from './ipvs-inside.js'
import { type NodeNetwork } from './node-network.js'

/** A proxy in ipvs mode on a node, driven by hand. */
export class IpvsNode {
  readonly #inside: InsideNode

  constructor(network: NodeNetwork) {
    this.#inside = new InsideNode(network, 'ipvs-inside')
  }

  /** Makes one that has started, as after a restart. */
  static async start(network: NodeNetwork): Promise<IpvsNode> {
    const node = new IpvsNode(network)
    const said = await node.do({ do: 'start' })
    if (said !== 'done') throw new Error(JSON.stringify(said))
    return node
  }

  async do(command: InsideCommand): Promise<unknown> {
    return JSON.parse(await this.#inside.command(command)) as unknown
  }

  serve(...services: readonly InsideService[]): Promise<unknown> {
    return this.do({ do: 'serve', services })
  }

  /** Ends it as a machine that fails would. */
  kill(): void {
    this.#inside.child.kill('SIGKILL')
  }
}
