import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../../../test/support/nodes/node-network.js'
import { type ExpectedResponder } from './wait-for-responder.js'
import { type ClientCommand } from './client-entry.js'
import { type ConnectTimes } from './measure-connects.js'
import { type SteadyReport } from './steady-requests.js'
import { type ConnectionReport } from './connections.js'

const ENTRY = fileURLToPath(new URL('client-entry.js', import.meta.url))

/** A client process for loads that existing load generators do not have. It runs one command at a time. */
export class BenchClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, namespace: NetworkNamespace) {
    this.#child = network.start(namespace, process.execPath, [ENTRY])
    this.#child.stderr!.on('data', (output: Buffer) => process.stderr.write(output))
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Repeats an HTTP request until it gets an answer. @throws Error after `limitMs` milliseconds */
  async waitUntilReachable(ip: string, port: number, limitMs = 60_000): Promise<void> {
    await this.#sendCommand({ do: 'wait-reachable', ip, port, limitMs })
  }

  /**
   * Connects repeatedly until the expected answer comes.
   * @returns the start of the first connection with this answer, by the shared clock; undefined if none got it in time
   */
  waitForResponder(ip: string, port: number, awaited: ExpectedResponder, limitMs: number): Promise<number | undefined> {
    return this.#sendCommand({ do: 'await', ip, port, awaited, limitMs })
  }

  /** Opens connections, gets one HTTP answer on each, and leaves them open and idle. */
  async openIdleConnections(ip: string, port: number, count: number): Promise<void> {
    await this.#sendCommand({ do: 'open-idle', ip, port, count })
  }

  /** Closes the idle connections. */
  async closeIdleConnections(): Promise<void> {
    await this.#sendCommand({ do: 'close-idle' })
  }

  /** Opens one connection after the other, each to another of these addresses. */
  measureConnects(ips: readonly string[], port: number, count: number): Promise<ConnectTimes> {
    return this.#sendCommand({ do: 'connects', ips, port, count })
  }

  /** Sends requests at a fixed rate over persistent connections. */
  runSteadyRequests(
    ip: string,
    port: number,
    perSecond: number,
    seconds: number,
    connections: number,
  ): Promise<SteadyReport> {
    return this.#sendCommand({ do: 'steady', ip, port, perSecond, seconds, connections })
  }

  /** Opens connections at a fixed rate, each with one HTTP request. @returns which Pod answered each, and when */
  runConnections(ip: string, port: number, perSecond: number, seconds: number): Promise<ConnectionReport> {
    return this.#sendCommand({ do: 'connections', ip, port, perSecond, seconds })
  }

  async #sendCommand<T>(command: ClientCommand): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`The benchmark's client has ended during "${command.do}"`)
    const answer = JSON.parse(value) as { readonly result?: T; readonly error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result as T
  }
}
