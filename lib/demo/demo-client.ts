import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startProgram } from './demo-network.js'
import { DNS_SERVICE, SEARCH_DOMAIN } from './example-objects.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type Teardown } from './teardown.js'

const PROGRAM = fileURLToPath(new URL('client-program.js', import.meta.url))

/** What a client got: the Pod that answered and the client address that this Pod saw, or an error. See client-program.ts. */
export interface RequestOutcome {
  readonly pod?: string
  readonly clientIP?: string
  readonly data?: string
  readonly error?: string
}

/** A client of the demo: a process in its own network namespace, which sends one request at a time. */
export class DemoClient {
  readonly namespace: NetworkNamespace
  readonly ip: string
  readonly #process: ChildProcess
  readonly #outcomeLines: AsyncIterator<string>

  private constructor(namespace: NetworkNamespace, ip: string, process: ChildProcess) {
    this.namespace = namespace
    this.ip = ip
    this.#process = process
    this.#outcomeLines = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  /** Starts its process. The teardown ends it. */
  static async start(namespace: NetworkNamespace, ip: string, teardown: Teardown): Promise<DemoClient> {
    const process = await startProgram(namespace, PROGRAM, [DNS_SERVICE.clusterIP, SEARCH_DOMAIN], teardown)
    return new DemoClient(namespace, ip, process)
  }

  /** Sends a command and returns the outcome; see client-program.ts. Call it again only after that. */
  async send(command: object): Promise<RequestOutcome> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#outcomeLines.next()
    if (done === true) throw new Error('The client has exited')
    return JSON.parse(value) as RequestOutcome
  }
}
