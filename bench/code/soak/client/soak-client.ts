import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type BenchService } from '../../testbed/bench-service.js'
import { type Testbed } from '../../testbed/testbed.js'
import { type SoakCommand } from './client-entry.js'
import { type RecordedError, type Tallies } from './tally.js'

const ENTRY = fileURLToPath(new URL('client-entry.js', import.meta.url))

/** What the client has done so far. */
export interface ClientReport {
  readonly tallies: Tallies
  readonly recordedErrors: readonly RecordedError[]
}

interface PendingCommand {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** The process at the client that asks all Services. Many commands may be under way at the same time. */
export class SoakClient {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, PendingCommand>()
  #lastId = 0
  #ended = false

  constructor({ network, clientNamespace }: Testbed) {
    this.#child = network.start(clientNamespace, process.execPath, [ENTRY])
    this.#child.stderr!.pipe(process.stderr)
    createInterface({ input: this.#child.stdout! }).on('line', line => this.#onReply(line))
    this.#child.on('exit', () => this.#onEnd())
  }

  /** Resolves when all these Services are served. */
  async waitUntilServed(services: readonly BenchService[]): Promise<void> {
    await this.#sendCommand({ do: 'wait-served', services })
  }

  /** Begins with all that is asked of Services that are always there. */
  async start(): Promise<void> {
    await this.#sendCommand({ do: 'start' })
  }

  /** Waits until a Service is served, and has it asked from then on. @param answeredAs what the Pods call it */
  async startService(kind: 'temporary' | 'emptied', service: BenchService, answeredAs = service.name): Promise<void> {
    await this.#sendCommand({ do: 'start-service', kind, service, answeredAs })
  }

  /** Resolves when nothing is asked of this Service any more. */
  async stopService(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'stop-service', service })
  }

  /** Sees whether the connection to a Service that is gone goes on, and ends it. */
  async checkRemovedService(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'check-removed', service })
  }

  /** Resolves when clients of a Service without endpoints are refused. */
  async waitUntilRefused(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'wait-refused', service })
  }

  /** The text of a page. */
  scrape(url: string): Promise<string> {
    return this.#sendCommand({ do: 'scrape', url })
  }

  report(): Promise<ClientReport> {
    return this.#sendCommand({ do: 'report' })
  }

  /** Resolves when all that was begun has ended. */
  async stop(): Promise<void> {
    await this.#sendCommand({ do: 'stop' })
  }

  #sendCommand<T>(command: SoakCommand): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error(`The client of the soak has ended before "${command.do}"`))
      const id = ++this.#lastId
      this.#pending.set(id, { resolve: resolve as PendingCommand['resolve'], reject })
      this.#child.stdin!.write(`${JSON.stringify({ id, command })}\n`)
    })
  }

  #onReply(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string }
    const waiting = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }

  #onEnd(): void {
    this.#ended = true
    for (const { reject } of this.#pending.values()) reject(new Error('The client of the soak has ended'))
    this.#pending.clear()
  }
}
