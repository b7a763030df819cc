import { NodeProcess } from '../nodes/node-process.js'
import { type IpvsProxierCommand, type ServedService } from './ipvs-proxier-entry.js'
import { type NodeNetwork } from '../nodes/node-network.js'

/** A proxier of ipvs mode on a node that the test controls step by step. */
export class IpvsProxierProcess {
  readonly #process: NodeProcess

  constructor(network: NodeNetwork) {
    this.#process = new NodeProcess(network, 'processes/ipvs-proxier-entry')
  }

  /** Starts one, as after a restart. */
  static async start(network: NodeNetwork): Promise<IpvsProxierProcess> {
    const node = new IpvsProxierProcess(network)
    const result = await node.send({ do: 'start' })
    if (result !== 'done') throw new Error(JSON.stringify(result))
    return node
  }

  async send(command: IpvsProxierCommand): Promise<unknown> {
    return JSON.parse(await this.#process.sendCommand(command)) as unknown
  }

  serve(...services: readonly ServedService[]): Promise<unknown> {
    return this.send({ do: 'serve', services })
  }

  /** Kills it, as a crash of the machine would. */
  kill(): void {
    this.#process.child.kill('SIGKILL')
  }
}
