import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NodeNetwork } from './node-network.js'

/**
 * Runs an entry program of the tests in the node's namespace: programs that must share the node's loopback with the proxy, such as an
 * API server. Each line to its standard input is a command, each line of its standard output a result.
 */
export class NodeProcess {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  /** @param entry file name without ending */
  constructor(network: NodeNetwork, entry: string, args: readonly string[] = []) {
    const file = fileURLToPath(new URL(`../${entry}.js`, import.meta.url))
    this.child = network.start(network.node, process.execPath, [file, ...args])
    this.child.stderr!.on('data', (output: Buffer) => process.stderr.write(output))
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]()
  }

  /** The next line of its output. */
  async readLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The program has exited')
    return value
  }

  /** Sends a command and returns the line of the result. */
  async sendCommand(command: object): Promise<string> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`)
    return this.readLine()
  }
}
