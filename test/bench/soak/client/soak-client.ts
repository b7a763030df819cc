import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type BenchService } from '../../site/bench-service.js'
import { type BenchSite } from '../../site/bench-site.js'
import { type SoakCommand } from './client-inside.js'
import { type NotedError, type Tallies } from './tally.js'

const ENTRY = fileURLToPath(new URL('client-inside.js', import.meta.url))

/** What the client has done so far. */
export interface ClientReport {
  readonly tallies: Tallies
  readonly noted: readonly NotedError[]
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** The process at the client that asks all Services. Many commands may be under way at the same time. */
export class SoakClient {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #commands = 0
  #ended = false

  constructor({ network, clientNamespace }: BenchSite) {
    this.#child = network.start(clientNamespace, process.execPath, [ENTRY])
    this.#child.stderr!.pipe(process.stderr)
    createInterface({ input: this.#child.stdout! }).on('line', line => this.#answered(line))
    this.#child.on('exit', () => this.#onEnd())
  }

  /** Resolves when all these Services are served. */
  async awaitAll(services: readonly BenchService[]): Promise<void> {
    await this.#command({ do: 'awaitAll', services })
  }

  /** Begins with all that is asked of Services that are always there. */
  async start(): Promise<void> {
    await this.#command({ do: 'start' })
  }

  /** Waits until a Service is served, and has it asked from then on. @param answeredAs what the Pods call it */
  async visit(kind: 'passing' | 'hollow', service: BenchService, answeredAs = service.name): Promise<void> {
    await this.#command({ do: 'visit', kind, service, answeredAs })
  }

  /** Resolves when nothing is asked of this Service any more. */
  async leave(service: BenchService): Promise<void> {
    await this.#command({ do: 'leave', service })
  }

  /** Sees whether the connection to a Service that is gone goes on, and ends it. */
  async outlive(service: BenchService): Promise<void> {
    await this.#command({ do: 'outlive', service })
  }

  /** Resolves when clients of a Service without endpoints are refused. */
  async beRefused(service: BenchService): Promise<void> {
    await this.#command({ do: 'beRefused', service })
  }

  /** The text of a page. */
  scrape(url: string): Promise<string> {
    return this.#command({ do: 'scrape', url })
  }

  report(): Promise<ClientReport> {
    return this.#command({ do: 'report' })
  }

  /** Resolves when all that was begun has ended. */
  async stop(): Promise<void> {
    await this.#command({ do: 'stop' })
  }

  #command<T>(command: SoakCommand): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error(`The client of the soak has ended before "${command.do}"`))
      const id = ++this.#commands
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.#child.stdin!.write(`${JSON.stringify({ id, command })}\n`)
    })
  }

  #answered(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }

  #onEnd(): void {
    this.#ended = true
    for (const { reject } of this.#waiting.values()) reject(new Error('The client of the soak has ended'))
    this.#waiting.clear()
  }
}
