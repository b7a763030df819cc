import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../nodes/node-network.js'
import { PROXY_MODE } from './proxy-mode.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'

export const PROXY_PROGRAM = fileURLToPath(new URL('../../../bin/kube-proxy.js', import.meta.url))
/** Arguments of Node.js: each process of the program works without end from SIGUSR2 on. */
export const SPIN_ON_SIGNAL = ['--import', fileURLToPath(new URL('spin-on-signal.js', import.meta.url))] as const
/** Arguments of Node.js: each process of the program takes memory from SIGUSR2 on. */
export const GROW_ON_SIGNAL = ['--import', fileURLToPath(new URL('grow-on-signal.js', import.meta.url))] as const
/** How long a test waits for a log line, in milliseconds. */
const LOG_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR

/** Number of data-plane workers of the proxies under test; `test/integration/with-two-workers.test.ts` runs the tests with another number. */
export const PROXY_WORKERS = Number(process.env['PROXY_WORKERS'] ?? 1)

/** Not the default, with which the kernel takes over: that takes half a second at the end of each proxy. */
const KEEP_RULES = ['--on-exit=keep']

/** Proxies of tests that run at the same time share the files of this machine: each would want the same socket. */
const NO_STATUS_SOCKET = ['--status-socket=']

/** The real program in the namespace of a node. Tests wait for its log lines. */
export class ProxyProcess {
  readonly child: ChildProcess
  readonly #log: ProgramLog

  constructor(
    network: NodeNetwork,
    args: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
    node: NetworkNamespace = network.node,
    mode: string = PROXY_MODE,
    nodeArgs: readonly string[] = [],
    nodeProgram: string = process.execPath,
  ) {
    const ofTests = [...KEEP_RULES, ...NO_STATUS_SOCKET, `--data-plane-workers=${PROXY_WORKERS}`]
    const flags = ['-v=3', ...ofTests, `--proxy-mode=${mode}`, ...args]
    this.child = network.start(node, nodeProgram, [...nodeArgs, PROXY_PROGRAM, ...flags], env)
    this.#log = new ProgramLog(this.child, this.child.stderr!, LOG_TIMEOUT_MS)
  }

  /** All lines so far. */
  get lines(): readonly string[] {
    return this.#log.lines
  }

  /** Resolves with the first line that matches, starting at index `from`; rejects if the program exits before. */
  waitForLine(pattern: RegExp, from = 0): Promise<string> {
    return this.#log.waitFor(pattern, from)
  }

  /** Sends SIGTERM and resolves with the exit code; of a program that has already exited, with that one. */
  async stop(): Promise<number | null> {
    const { exitCode, signalCode } = this.child
    if (exitCode !== null || signalCode !== null) return exitCode
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    return ((await ended) as [number | null])[0]
  }
}
