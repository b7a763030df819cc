import { type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NodeNetwork } from './node-network.js'

export const PROXY_PROGRAM = fileURLToPath(new URL('../../bin/kube-proxy.js', import.meta.url))

/** The real program, started in a node's namespace; its log lines are what tests wait for. */
export class ProxyProcess {
  readonly child: ChildProcess
  readonly lines: string[] = []
  readonly #news = new EventEmitter()

  constructor(network: NodeNetwork, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = network.start(network.node, process.execPath, [PROXY_PROGRAM, '-v=3', ...args], env)
    createInterface({ input: this.child.stderr! }).on('line', line => {
      this.lines.push(line)
      this.#news.emit('line')
    })
    this.child.on('exit', () => this.#news.emit('line'))
  }

  /** Resolves with the first line, from the given one on, that matches; rejects when the program ends or after 20 s. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    const limit = AbortSignal.timeout(20_000)
    for (let next = from; ; next++) {
      while (next >= this.lines.length) {
        const ended = this.child.exitCode !== null || this.child.signalCode !== null
        if (ended || limit.aborted) throw new Error(`No line ${pattern} in:\n${this.lines.join('\n')}`)
        await once(this.#news, 'line', { signal: limit }).catch(() => undefined)
      }
      if (pattern.test(this.lines[next]!)) return this.lines[next]!
    }
  }

  /** Sends SIGTERM and resolves with the exit code. */
  async stop(): Promise<number | null> {
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    return ((await ended) as [number | null])[0]
  }
}
