import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../nodes/node-network.js'

const LOAD_CLIENT = fileURLToPath(new URL('load-client.js', import.meta.url))

/** A process that opens connections at a fixed rate until `stop`, however long the earlier ones take. */
export class SteadyLoad {
  readonly #child: ChildProcess

  /** @param rate connections per second */
  constructor(network: NodeNetwork, namespace: NetworkNamespace, ip: string, port: number, rate: number) {
    this.#child = network.start(namespace, process.execPath, [LOAD_CLIENT, ip, String(port), 'steady', String(rate)])
  }

  /** Ends the load. @returns how many connections were answered, and how many others there were, by what happened to them */
  async stop(): Promise<{ readonly answered: number; readonly lost: Readonly<Record<string, number>> }> {
    this.#child.stdin!.end()
    const [line] = (await once(createInterface({ input: this.#child.stdout! }), 'line')) as [string]
    const { answered = 0, ...lost } = (JSON.parse(line) as { outcomes: Record<string, number> }).outcomes
    return { answered, lost }
  }
}
