import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type NodeNetwork } from './node-network.js'

/** Asks both paths again and again until standard input ends, and prints how often each answer came. */
const PROGRAM = `
  const counts = { '/healthz': {}, '/readyz': {} }
  let isOver = false
  process.stdin.resume().on('end', () => (isOver = true))
  const ask = async path => {
    const answer = await fetch('http://127.0.0.1:10256' + path, { headers: { connection: 'close' } })
      .then(response => response.status, error => error.cause?.code ?? String(error))
    counts[path][answer] = (counts[path][answer] ?? 0) + 1
  }
  void (async () => {
    while (!isOver) {
      for (const path of Object.keys(counts)) await ask(path)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    console.log(JSON.stringify(counts))
  })()`

/** How often each answer came: an HTTP status, or an error code. */
export type ProbeCounts = Readonly<Record<'/healthz' | '/readyz', Readonly<Record<string, number>>>>

/** A process on a node that asks for its health without a pause. */
export class SteadyProbes {
  readonly #child: ChildProcess

  constructor(network: NodeNetwork) {
    this.#child = network.start(network.node, process.execPath, ['-e', PROGRAM])
  }

  /** Ends the probes. @returns the answers by path */
  async stop(): Promise<ProbeCounts> {
    this.#child.stdin!.end()
    const [line] = (await once(createInterface({ input: this.#child.stdout! }), 'line')) as [string]
    return JSON.parse(line) as ProbeCounts
  }
}
