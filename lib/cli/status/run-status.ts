import { setTimeout as pause } from 'node:timers/promises'
import { printYaml } from '../../source/write-configuration-file.js'
import { askProxy } from '../../status/ask-proxy.js'
import { type Overview } from '../../status/overview.js'
import { type StatusDocument } from '../../status/status-document.js'
import { type TerminalStyle, terminalStyle, toAscii } from '../../terminal/terminal-style.js'
import { STATUS_KINDS, type StatusKind } from './status-kinds.js'
import { StatusPage, overviewLines } from './status-page.js'

/** What the command line asks for. */
export interface RunStatusOptions {
  readonly socket: string
  /** One of `STATUS_KINDS`; undefined: the overview. */
  readonly what: string | undefined
  /** Name of a Service; undefined: all. */
  readonly service: string | undefined
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly output: 'text' | 'wide' | 'json' | 'yaml'
  /** Whether to go on, and show what changes. */
  readonly isWatch: boolean
  readonly version: string
}

/** How often a watch asks, in milliseconds. */
const WATCH_PERIOD_MS = 1000

/** Asks the proxy and prints the answer. @throws ProxyFailure */
export async function runStatus(options: RunStatusOptions): Promise<void> {
  // `kube-proxy status --watch | head` ends with head.
  process.stdout.on('error', () => process.exit(0))
  const style = terminalStyle(process.stdout)
  const kind = options.what === undefined ? undefined : STATUS_KINDS.get(options.what)
  const show = kind === undefined ? overviewPrinter(options, style) : listPrinter(options, kind, style)
  await show()
  while (options.isWatch) {
    await pause(WATCH_PERIOD_MS)
    await show()
  }
}

function overviewPrinter({ socket, output, version }: RunStatusOptions, style: TerminalStyle): () => Promise<void> {
  let last = ''
  return async () => {
    const overview = await askProxy<Overview>(socket, '', {}, version)
    const text = asData(overview, output) ?? overviewLines(overview, style, Date.now()).join('\n')
    if (text !== last) print(text)
    last = text
  }
}

function listPrinter(options: RunStatusOptions, kind: StatusKind, style: TerminalStyle): () => Promise<void> {
  const { socket, output, namespace, service, version } = options
  const parameters = {
    ...(kind.hasNamespaces && namespace !== undefined && { namespace }),
    ...(kind.hasNamespaces && service !== undefined && { service }),
  }
  const page = new StatusPage({ kind, isWide: output === 'wide', showsNamespace: namespace === undefined, style })
  let hasNotes = false
  let last = ''
  return async () => {
    const answer = await askProxy<StatusDocument<unknown>>(socket, kind.resource, parameters, version)
    const data = asData(answer, output)
    const text = data ?? page.lines(answer.items, Date.now()).join('\n')
    if (text !== '' && (data === undefined || data !== last)) print(text)
    last = text
    if (data !== undefined || hasNotes) return
    hasNotes = true
    const none = answer.items.length > 0 || options.isWatch ? [] : [noneText(options)]
    for (const note of [...answer.notes, ...(answer.notes.length > 0 ? [] : none)])
      process.stderr.write(`${style.isUnicode ? note : toAscii(note)}\n`)
  }
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

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
