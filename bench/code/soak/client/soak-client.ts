import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type BenchService } from '../../testbed/bench-service.js'
import { type Testbed } from '../../testbed/testbed.js'
import { type SoakCommand } from './client-entry.js'
import { type RecordedError, type Tallies } from './tally.js'

const ENTRY = fileURLToPath(new URL('client-entry.js', import.meta.url))

/** The results of the client so far. */
export interface ClientReport {
  readonly tallies: Tallies
  readonly recordedErrors: readonly RecordedError[]
}

interface PendingCommand {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** The client process that sends requests to all Services. Several commands can run at the same time. */
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

  /** Resolves when the proxy serves all these Services. */
  async waitUntilServed(services: readonly BenchService[]): Promise<void> {
    await this.#sendCommand({ do: 'wait-served', services })
  }

  /** Starts the load on Services that always exist. */
  async start(): Promise<void> {
    await this.#sendCommand({ do: 'start' })
  }

  /** Waits until a Service is served and puts load on it. @param answeredAs the name with which Pods answer */
  async startService(kind: 'temporary' | 'emptied', service: BenchService, answeredAs = service.name): Promise<void> {
    await this.#sendCommand({ do: 'start-service', kind, service, answeredAs })
  }

  /** Resolves when the load on this Service has ended. */
  async stopService(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'stop-service', service })
  }

  /** Checks that the connection to a deleted Service still works, and ends it. */
  async checkRemovedService(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'check-removed', service })
  }

  /** Resolves when clients of a Service without endpoints are refused. */
  async waitUntilRefused(service: BenchService): Promise<void> {
    await this.#sendCommand({ do: 'wait-refused', service })
  }

  /** The body of an HTTP response. */
  scrape(url: string): Promise<string> {
    return this.#sendCommand({ do: 'scrape', url })
  }

  report(): Promise<ClientReport> {
    return this.#sendCommand({ do: 'report' })
  }

  /** Resolves when all load has ended. */
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
