import { ProxyFailure } from '../../model/failure.js'
import { escapeControls, quoteValue } from '../../primitives/quote-value.js'
import { printYaml } from '../../source/write-configuration-file.js'
import { askProxy } from '../../status/ask-proxy.js'
import { type Overview } from '../../status/overview.js'
import { type StatusDocument } from '../../status/status-document.js'
import { printOutput, throwOutputFailure } from '../../terminal/print-output.js'
import { type TerminalStyle, terminalStyle, toAscii } from '../../terminal/terminal-style.js'
import { outliveProxies } from './outlive-proxies.js'
import { OverviewPage } from './overview-page.js'
import { STATUS_KINDS, type StatusKind } from './status-kinds.js'
import { StatusPage } from './status-page.js'

/** What the command line asks for. */
export interface RunStatusOptions {
  readonly socket: string
  /** One of `STATUS_KINDS`; undefined: the overview. */
  readonly what: string | undefined
  /** Name of a Service; undefined: all. */
  readonly service: string | undefined
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  /** The most rows; undefined: as many as the proxy gives. */
  readonly limit: string | undefined
  readonly output: 'text' | 'wide' | 'json' | 'yaml'
  /** Whether to go on, and show what changes. */
  readonly isWatch: boolean
  readonly version: string
}

/** How often a watch asks, in milliseconds. */
const WATCH_PERIOD_MS = 1000

/** Asks the proxy and prints the answer. @throws ProxyFailure */
export async function runStatus(options: RunStatusOptions): Promise<void> {
  const kind = options.what === undefined ? undefined : STATUS_KINDS.get(options.what)
  checkUse(options, kind)
  // Errors come from each write as well.
  process.stdout.on('error', () => undefined)
  const style = terminalStyle(process.stdout)
  const show = kind === undefined ? overviewPrinter(options, style) : listPrinter(options, kind, style)
  try {
    await show()
    if (options.isWatch) await outliveProxies(show, WATCH_PERIOD_MS)
  } catch (error) {
    throwOutputFailure(error)
  }
}

function checkUse({ what = '', service, limit }: RunStatusOptions, kind: StatusKind | undefined): void {
  if (service !== undefined && kind?.hasNamespaces !== true)
    throw new ProxyFailure('STATUS_INVALID', `${quoteValue(service)}: ${what} are not those of one Service`, {
      hint: `Leave it out: kube-proxy status ${what}`,
    })
  if (limit !== undefined && kind?.hasLimit !== true)
    throw new ProxyFailure('STATUS_INVALID', `--limit ${quoteValue(limit)}: ${what || 'the overview'} has no limit`, {
      hint: 'Leave it out',
    })
}

function overviewPrinter({ socket, output, version }: RunStatusOptions, style: TerminalStyle): () => Promise<void> {
  const page = new OverviewPage(style)
  let last = ''
  return async () => {
    const overview = await askProxy<Overview>(socket, '', {}, version)
    const data = asData(overview, output)
    const text = data ?? page.lines(overview, Date.now()).join('\n')
    if (text !== '' && text !== last) await printOutput(text)
    if (data !== undefined) last = data
  }
}

function listPrinter(options: RunStatusOptions, kind: StatusKind, style: TerminalStyle): () => Promise<void> {
  const { socket, output, namespace, service, limit, version } = options
  const parameters = {
    ...(kind.hasNamespaces && namespace !== undefined && { namespace }),
    ...(kind.hasNamespaces && service !== undefined && { service }),
    ...(limit !== undefined && { limit }),
  }
  const page = new StatusPage({ kind, isWide: output === 'wide', showsNamespace: namespace === undefined, style })
  let hasNotes = false
  let last = ''
  return async () => {
    const answer = await askProxy<StatusDocument<unknown>>(socket, kind.resource, parameters, version)
    const data = asData(answer, output)
    const text = data ?? page.lines(answer.items, Date.now()).join('\n')
    const content = data === undefined ? text : JSON.stringify(answer, without(kind.times ?? []))
    if (content !== '' && content !== last) await printOutput(text)
    if (data !== undefined) last = content
    if (data !== undefined || hasNotes) return
    hasNotes = true
    const none = answer.items.length > 0 || options.isWatch ? [] : [noneText(options)]
    for (const note of [...answer.notes, ...(answer.notes.length > 0 ? [] : none)])
      process.stderr.write(`${escapeControls(style.isUnicode ? note : toAscii(note))}\n`)
  }
}

/** Leaves fields out of a JSON text. */
function without(fields: readonly string[]) {
  return (name: string, value: unknown): unknown => (fields.includes(name) ? undefined : value)
}

function noneText({ what, namespace }: RunStatusOptions): string {
  return namespace === undefined
    ? `No ${what} now`
    : `No ${what} now in namespace ${namespace}; -A shows all namespaces`
}

function asData(answer: object, output: RunStatusOptions['output']): string | undefined {
  if (output === 'json') return JSON.stringify(answer, undefined, 2)
  return output === 'yaml' ? printYaml(answer).trimEnd() : undefined
}
