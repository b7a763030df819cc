import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../nodes/node-network.js'

/** A connection that stays open: the server returns each line. */
export class PersistentConnection {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, namespace: NetworkNamespace, ip: string, port: number) {
    const file = fileURLToPath(new URL('persistent-connection-entry.js', import.meta.url))
    this.#child = network.start(namespace, process.execPath, [file, ip, String(port)])
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Sends a line and returns the next received one. The first line has to be `echo`. */
  async send(line: string): Promise<string> {
    this.#child.stdin!.write(`${line}\n`)
    const { value, done } = await this.#lines.next()
    return done === true ? 'ended' : value
  }

  /** Ends the connection. */
  end(): void {
    this.#child.stdin!.end()
  }
}
