import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../../../../test/support/nodes/node-network.js'
import { type LoadReport } from './load-report.js'
import { LOAD } from './load-size.js'

const ENTRY = fileURLToPath(new URL('load-entry.js', import.meta.url))

/** The process that plays all clients of a case. */
export class ReliabilityLoad {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  /** Resolves when all open connections have carried data, and new ones are started. */
  static async start(
    network: NodeNetwork,
    namespace: NetworkNamespace,
    { clusterIP, port }: { readonly clusterIP: string; readonly port: number },
    open: number,
  ): Promise<ReliabilityLoad> {
    const args = [clusterIP, port, LOAD.requestsPerSecond, open].map(String)
    const child = network.start(namespace, process.execPath, [ENTRY, ...args])
    child.stderr!.pipe(process.stderr)
    const load = new ReliabilityLoad(child)
    await load.#readLine()
    return load
  }

  /** Ends the load when its last request has ended. */
  async stop(): Promise<LoadReport> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin!.end()
    const report = JSON.parse(await this.#readLine()) as LoadReport
    await ended
    return report
  }

  async #readLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The clients have exited')
    return value
  }
}
