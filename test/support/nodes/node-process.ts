import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NodeNetwork } from './node-network.js'

/**
 * Runs a TypeScript entry of the tests in the node's namespace: what has to share the node's loopback with the proxy, an
 * API server above all. Its standard output is read line by line; a line to its standard input is a command.
 */
export class NodeProcess {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  /** @param entry file name in this folder, without ending */
  constructor(network: NodeNetwork, entry: string, args: readonly string[] = []) {
    const file = fileURLToPath(new URL(`../${entry}.js`, import.meta.url))
    this.child = network.start(network.node, process.execPath, [file, ...args])
    this.child.stderr!.on('data', (said: Buffer) => process.stderr.write(said))
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]()
  }

  /** The next line it prints. */
  async readLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('it has ended')
    return value
  }

  /** Sends a command and returns the line it answers with. */
  async sendCommand(command: object): Promise<string> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`)
    return this.readLine()
  }
}
