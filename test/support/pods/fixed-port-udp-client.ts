import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../nodes/node-network.js'

const ENTRY = fileURLToPath(new URL('fixed-port-udp-client-entry.js', import.meta.url))

/** A UDP client in a namespace that sends all datagrams from one port. */
export class FixedPortUdpClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, namespace: NetworkNamespace) {
    this.#child = network.start(namespace, process.execPath, [ENTRY])
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Sends five bytes and waits for the answer. @param limitMs how long at most @returns it; empty if it does not come in time */
  request(ip: string, port: number, limitMs: number | null = null): Promise<string> {
    return this.#sendCommand({ ip, port, waits: true, limitMs })
  }

  /** Sends five bytes. */
  async send(ip: string, port: number): Promise<void> {
    await this.#sendCommand({ ip, port, waits: false, limitMs: null })
  }

  async #sendCommand(command: object): Promise<string> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The client has exited')
    return JSON.parse(value) as string
  }
}
