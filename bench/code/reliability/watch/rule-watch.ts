import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NodeNetwork } from '../../../../test/support/nodes/node-network.js'

const ENTRY = fileURLToPath(new URL('rule-watch-entry.js', import.meta.url))

/** No socket listens on the port that the rules name. */
export const CLOSED_PORT = 'a closed port'
/** A socket still listens, of a process that was killed: the kernel ends its threads one by one, and then closes its descriptors. */
export const EXITING_PROCESS = 'a process that exits'
export const NO_RULE = 'no rule'
export const NO_SERVER = 'no virtual server'
/** The beginning of the name of a holder that is not part of a proxy of the case. */
export const ANOTHER_PROGRAM = 'another program'

/** What leads new clients of a Service in the kernel. */
export type ServedBy = 'rules' | 'virtual servers'

/** From this moment on, the rules lead new clients there. */
export interface RuleState {
  /** Milliseconds of the shared clock. */
  readonly at: number
  /** A proxy, `kernel` (the rules name Pods), or one of the constants above. */
  readonly to: string
}

/** A process on the node that records where the rules lead new clients of a Service. */
export class RuleWatch {
  readonly states: RuleState[] = []
  readonly #child: ChildProcess

  constructor(
    network: NodeNetwork,
    { clusterIP, port }: { clusterIP: string; port: number },
    clientIP: string,
    servedBy: ServedBy,
  ) {
    const args = [ENTRY, clusterIP, String(port), clientIP, servedBy]
    this.#child = network.start(network.node, process.execPath, args)
    this.#child.stderr!.pipe(process.stderr)
    const lines = createInterface({ input: this.#child.stdout! })
    lines.on('line', line => this.states.push(JSON.parse(line) as RuleState))
  }

  /** Names a proxy by its first process. */
  addProxy(name: string, pid: number): void {
    this.#child.stdin!.write(`${pid} ${name}\n`)
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
