import { NodeProcess } from '../nodes/node-process.js'
import { type IpvsProxierCommand, type ServedService } from './ipvs-proxier-entry.js'
import { type NodeNetwork } from '../nodes/node-network.js'

/** A proxy in ipvs mode on a node, driven by hand. */
export class IpvsProxierProcess {
  readonly #process: NodeProcess

  constructor(network: NodeNetwork) {
    this.#process = new NodeProcess(network, 'processes/ipvs-proxier-entry')
  }

  /** Makes one that has started, as after a restart. */
  static async start(network: NodeNetwork): Promise<IpvsProxierProcess> {
    const node = new IpvsProxierProcess(network)
    const said = await node.send({ do: 'start' })
    if (said !== 'done') throw new Error(JSON.stringify(said))
    return node
  }

  async send(command: IpvsProxierCommand): Promise<unknown> {
    return JSON.parse(await this.#process.sendCommand(command)) as unknown
  }

  serve(...services: readonly ServedService[]): Promise<unknown> {
    return this.send({ do: 'serve', services })
  }

  /** Ends it as a machine that fails would. */
  kill(): void {
    this.#process.child.kill('SIGKILL')
  }
}
