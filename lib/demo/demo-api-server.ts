import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DEMO_NODE_NAME } from './demo-node-name.js'
import { NODE_IP, startProgram } from './demo-network.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Teardown } from './teardown.js'

const PROGRAM = fileURLToPath(new URL('api-server-program.js', import.meta.url))
/** On loopback of the node, where nothing else listens. */
const PORT = 6443
/** The node of the demo. */
const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: DEMO_NODE_NAME },
  status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
}

/** The API server of a demo whose proxy watches one, as in a real cluster. It can go away. */
export class DemoApiServer {
  readonly url = `http://127.0.0.1:${PORT}`
  readonly #process: ChildProcess
  readonly #replies: AsyncIterator<string>
  #isAway = false

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#replies = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  /** Starts it on the node. The teardown ends it. */
  static async start(node: NetworkNamespace, teardown: Teardown): Promise<DemoApiServer> {
    return new DemoApiServer(await startProgram(node, PROGRAM, [String(PORT)], teardown))
  }

  get isAway(): boolean {
    return this.#isAway
  }

  /** Makes these objects, and the Node, all that it has. While it is away, the proxy does not see them. */
  setObjects(objects: readonly object[]): Promise<void> {
    return this.#send({ objects: [NODE, ...objects] })
  }

  /** It resets all connections and refuses new ones, or listens again. */
  async setAway(isAway: boolean): Promise<void> {
    await this.#send({ isAway })
    this.#isAway = isAway
  }

  async #send(command: object): Promise<void> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`)
    const { done } = await this.#replies.next()
    if (done === true) throw new Error('The API server of the demo has exited')
  }
}
