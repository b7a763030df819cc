import { ProxyFailure } from '../../model/failure.js'
import { escapeControls } from '../../primitives/quote-value.js'
import { askProxy, notStatusApi } from '../../status/ask-proxy.js'
import { type StatusEvent } from '../../status/event-reader.js'
import { type HappeningsEvent } from '../../status/live-events.js'
import { type Overview } from '../../status/overview.js'
import { watchProxy } from '../../status/watch-proxy.js'
import { printOutput, throwOutputFailure } from '../../terminal/print-output.js'
import { terminalStyle, toAscii } from '../../terminal/terminal-style.js'
import { outliveProxies } from '../status/outlive-proxies.js'
import { TraceSummary } from './trace-summary.js'
import { TraceTable } from './trace-table.js'

/** What the command line asks for. */
export interface RunTraceOptions {
  readonly socket: string
  /** Name of a Service; undefined: all. */
  readonly service: string | undefined
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  /** Address or range; undefined: all. */
  readonly client: string | undefined
  /** Address; undefined: all. */
  readonly pod: string | undefined
  readonly onlyFailures: boolean
  readonly output: 'text' | 'wide' | 'json'
  readonly version: string
}

/** Between two attempts to find the next proxy, in milliseconds. */
const RETRY_MS = 250

/** Prints what happens to connections until a signal or the end of the reader. @throws ProxyFailure */
export async function runTrace(options: RunTraceOptions): Promise<void> {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort())
  const startedAt = performance.now()
  const trace = new Trace(options)
  const follow = (): Promise<void> => trace.follow(end.signal)
  // Errors come from each write as well.
  process.stdout.on('error', () => undefined)
  try {
    await follow()
    await outliveProxies(follow, RETRY_MS, end.signal)
  } catch (error) {
    if (!end.signal.aborted) return throwOutputFailure(error)
  }
  // After Ctrl-C a terminal drops what it has not shown yet, also the rest of a line.
  if (process.stdout.isTTY) process.stderr.write('\n')
  trace.note(trace.summary.text(performance.now() - startedAt))
}

/** Prints the events of one proxy after the other. */
class Trace {
  readonly summary = new TraceSummary()
  readonly #options: RunTraceOptions
  readonly #style = terminalStyle(process.stdout)
  readonly #table: TraceTable
  /** When the proxy that is asked has started. In containers, the next one may have the same process id. */
  #asked = ''
  /** Which proxy is traced; undefined: none was so far. */
  #watched: string | undefined
  #isSampled = false

  constructor(options: RunTraceOptions) {
    const { output, namespace } = options
    this.#options = options
    this.#table = new TraceTable(this.#style, { isWide: output === 'wide', showsNamespace: namespace === undefined })
  }

  /** Resolves when the proxy has ended. @throws ProxyFailure */
  async follow(signal: AbortSignal): Promise<void> {
    const { socket, version } = this.#options
    const overview = await askProxy<Overview>(socket, '', {}, version)
    requireSockets(overview)
    this.#asked = overview.startedAt
    const parameters = parametersOf(this.#options)
    await watchProxy({ socket, parameters, version, signal }, event => this.#take(event))
  }

  /** Says something beside the lines. */
  note(text: string): void {
    process.stderr.write(`${escapeControls(this.#style.isUnicode ? text : toAscii(text))}\n`)
  }

  async #take({ name, data }: StatusEvent): Promise<void> {
    switch (name) {
      case 'watching':
        return this.#begin((data as { readonly pid: number }).pid)
      case 'problem':
        return this.note((data as { readonly message: string }).message)
      case 'happenings':
        return this.#show(data as HappeningsEvent)
    }
  }

  async #begin(pid: number): Promise<void> {
    const before = this.#watched
    this.#watched = `${pid} ${this.#asked}`
    if (before === undefined) {
      if (this.#options.output !== 'json') await this.#print(this.#table.head())
    } else if (before !== this.#watched) this.note('The proxy has ended; another one is traced now')
    else {
      this.note('The proxy has cut off this program, which was too slow to read: what happened meanwhile is missing')
      this.summary.addGap()
    }
  }

  async #show(event: HappeningsEvent): Promise<void> {
    const { items, isSampled } = event
    if (!Array.isArray(items)) throw notStatusApi(this.#options.socket)
    this.summary.add(event)
    if (isSampled && !this.#isSampled)
      this.note('More happens than is shown: a part of the connections, and the first failures of each second')
    this.#isSampled = isSampled
    const isJson = this.#options.output === 'json'
    await this.#print(isJson ? items.map(item => JSON.stringify({ ...item, isSampled })) : this.#table.lines(items))
  }

  async #print(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await printOutput(lines.join('\n'))
  }
}

function parametersOf({ namespace, service, client, pod, onlyFailures }: RunTraceOptions): Record<string, string> {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(service !== undefined && { service }),
    ...(client !== undefined && { client }),
    ...(pod !== undefined && { pod }),
    ...(onlyFailures && { failures: 'true' }),
  }
}

function requireSockets({ mode, carriedBy }: Overview): void {
  if (carriedBy === 'sockets') return
  throw new ProxyFailure(
    'STATUS_INVALID',
    `In ${mode} mode the kernel carries connections: they do not pass through the proxy, which cannot trace them`,
    { hint: 'Use conntrack -E, of the package conntrack, which shows what the kernel translates' },
  )
}
