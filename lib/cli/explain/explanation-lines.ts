import {
  type ExplainedCandidate,
  type ExplainedListener,
  type ExplainedStep,
  type ExplainedWay,
  type Explanation,
  type KeptByAffinity,
} from '../../explain/explanation.js'
import { formatChance } from '../../netfilter/walk/rule-sentence.js'
import { type TerminalStyle, toAscii } from '../../terminal/terminal-style.js'
import { type TableCell, TextTable, breakText } from '../../terminal/text-table.js'
import { durationText } from '../status/duration-text.js'

/** Ways that end differently are shown one by one, up to this number. */
const MAX_SHOWN_WAYS = 4
/** Longer lines are hard to read. */
const MAX_TEXT_WIDTH = 96

/** An explanation as lines for people. @param isWide whether each rule follows as `iptables-save` prints it */
export function explanationLines(explanation: Explanation, isWide: boolean, style: TerminalStyle): string[] {
  const page = new ExplanationPage(explanation, isWide, style)
  page.addAll()
  return page.lines
}

class ExplanationPage {
  readonly lines: string[] = []
  readonly #explanation: Explanation
  readonly #isWide: boolean
  readonly #style: TerminalStyle
  #headings = 0

  constructor(explanation: Explanation, isWide: boolean, style: TerminalStyle) {
    this.#explanation = explanation
    this.#isWide = isWide
    this.#style = style
  }

  addAll(): void {
    const { steps, ways, notes } = this.#explanation
    this.#addHead()
    this.#addSteps('How the packet goes', steps)
    this.#addService()
    const shown = shownWays(this.#explanation)
    for (const way of shown) this.#addSteps(wayTitle(way, ways), way.steps)
    const back = shown[0]?.wayBack ?? []
    if (back.length > 0) {
      this.#addHeading('How the answer comes back')
      for (const sentence of back) this.#addText(sentence)
    }
    const assumptions = [...new Set(shown.flatMap(way => way.assumptions))]
    if (notes.length + assumptions.length === 0) return
    this.#addHeading('Notes')
    for (const note of [...assumptions, ...notes]) this.#addText(note.endsWith('.') ? note : `${note}.`)
  }

  #addHead(): void {
    const { mode, rules, proxy, node, from, to, answer, ways } = this.#explanation
    const origin = rules === 'kernel' ? 'the rules in the kernel of this node' : 'the rules that the proxy would write'
    const asked = proxy === null ? '' : `the proxy that runs (process ${proxy.pid}), and `
    const assumed = node.assumed.length === 0 ? '' : ` (assumed: ${node.assumed.join('; ')})`
    const by = from.interface === null ? '' : `, by ${from.interface}`
    this.#addTable([
      ['FROM', `${from.text}${by}`],
      ['TO', to.text],
      ['MODE', `${mode === '' ? 'none' : mode}: ${asked}${origin}`],
      ['NODE', `${node.name}: ${node.addresses.join(', ')}${assumed}`],
    ])
    this.lines.push('')
    this.#addText(answer, ways.every(({ end }) => end === 'endpoint') ? 32 : 33)
  }

  #addSteps(title: string, steps: readonly ExplainedStep[]): void {
    if (steps.length === 0) return
    const isCounted = this.#explanation.rules === 'kernel'
    this.#addHeading(title)
    this.#addTable([
      ['HOOK', 'TABLE', 'CHAIN', 'RULE', ...(isCounted ? ['PACKETS'] : []), 'WHAT HAPPENS'],
      ...steps.flatMap(step => {
        const { hook, table, chain, position, packets, rule } = step
        const place = [
          hook ?? PLACES[step.kind] ?? '',
          table ?? '',
          chain ?? '',
          position === null ? '' : `${position}`,
        ]
        const counter = isCounted ? [packets === null ? '' : String(packets)] : []
        const line = [...place, ...counter, stepText(step)]
        return this.#isWide && rule !== null ? [line, [...line.slice(0, -1).map(() => ''), rule]] : [line]
      }),
    ])
  }

  #addService(): void {
    const { service, listener } = this.#explanation
    if (service === null) return
    this.#addHeading(`Why these endpoints: Service ${service.name}, ${service.addressKind}`)
    this.#addTable([
      ...(listener === null || listener.processes.length === 0 ? [] : [['SOCKET', socketText(listener)]]),
      ['POLICY', service.policy],
      ['AFFINITY', service.affinity],
      ['PICK', service.balancing],
    ])
    this.lines.push('')
    if (service.candidates.length === 0) return this.#addText('No EndpointSlice of the Service has an endpoint.')
    const isLive = service.candidates.some(({ live }) => live !== null)
    this.#addTable([
      ['ENDPOINT', 'SLICE', 'ODDS', ...(isLive ? ['OPEN'] : []), 'THE ENDPOINT IS'],
      ...service.candidates.map(candidate => candidateRow(candidate, service.kept, isLive)),
    ])
  }

  #addHeading(title: string): void {
    this.lines.push('', this.#paint(1, `${++this.#headings}. ${title}`))
  }

  #addText(text: string, colour?: number): void {
    const shown = this.#style.isUnicode ? text : toAscii(text)
    for (const line of breakText(shown, Math.min(MAX_TEXT_WIDTH, this.#style.columns)))
      this.lines.push(colour === undefined ? line : this.#paint(colour, line))
  }

  #addTable(rows: readonly (readonly (string | TableCell)[])[]): void {
    const cells = rows.map(row => row.map(cell => (typeof cell === 'string' ? { text: cell } : cell)))
    this.lines.push(...new TextTable(this.#style).format(cells))
  }

  #paint(code: number, text: string): string {
    return this.#style.colour ? `\x1b[${code}m${text}\x1b[0m` : text
  }
}

function socketText({ address, port, protocol, processes }: ExplainedListener): string {
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`
  const holders = processes.map(({ pid, worker, open }) => {
    const name = worker === null ? 'the control process' : `worker ${worker}`
    return `${name} (process ${pid}, ${open} open)`
  })
  if (processes.every(({ isListening }) => !isListening)) return `${place}, closed: no endpoint serves this traffic`
  return `${place} of ${holders.join(', ')}`
}

function candidateRow(
  { address, slice, odds, isUsed, text, live }: ExplainedCandidate,
  kept: KeptByAffinity | null,
  isLive: boolean,
): TableCell[] {
  const isKept = kept?.endpoint === address && odds > 0
  const ejections = (live?.ejected ?? []).map(
    ({ worker, msAgo, forMs }) =>
      `ejected${worker === null ? '' : ` in worker ${worker}`} ${durationText(msAgo)} ago, because it failed, for ${durationText(forMs)} more`,
  )
  const said = [text, ...(isKept ? ['this client keeps it'] : []), ...ejections].join('; ')
  const colour = ejections.length > 0 ? 'bad' : isUsed ? 'good' : 'quiet'
  const open = isLive ? [live === null ? '-' : String(live.open)] : []
  return [address, slice, odds > 0 ? formatChance(odds) : '-', ...open, said].map(cell => ({ text: cell, colour }))
}

/** Where a step happens that is no rule. */
const PLACES: Readonly<Partial<Record<ExplainedStep['kind'], string>>> = {
  route: 'routing',
  listener: 'kube-proxy',
  pick: 'kube-proxy',
  connection: 'kube-proxy',
}

function stepText({ sentence, before, after, isAssumed }: ExplainedStep): string {
  const doubt = isAssumed ? ' (It is unknown whether it applies.)' : ''
  if (before === null || after === null) return `${sentence}${doubt}`
  const change =
    before.source === after.source
      ? `to ${before.destination} -> to ${after.destination}`
      : `from ${before.source} to ${before.destination} -> from ${after.source} to ${after.destination}`
  return `${sentence} [${change}]${doubt}`
}

/** One way for each end: the ways to all endpoints differ in the endpoint only. The endpoint whose turn is next comes first. */
function shownWays({ ways, service }: Explanation): ExplainedWay[] {
  const candidates = service?.candidates ?? []
  const next = new Set(candidates.filter(({ live }) => (live?.nextIn.length ?? 0) > 0).map(({ address }) => address))
  const byEnd = new Map<string, ExplainedWay>()
  for (const way of [...ways].sort((a, b) => Number(next.has(b.endpoint ?? '')) - Number(next.has(a.endpoint ?? '')))) {
    const key = `${way.end} ${way.assumptions.join()}`
    if (!byEnd.has(key)) byEnd.set(key, way)
  }
  return [...byEnd.values()].slice(0, MAX_SHOWN_WAYS)
}

function wayTitle({ end, endpoint, odds }: ExplainedWay, ways: readonly ExplainedWay[]): string {
  if (endpoint === null || ways.length === 1) return end === 'endpoint' ? 'And then' : `And then: ${END_TITLES[end]}`
  return `And then, for example to ${endpoint} (${formatChance(odds)})`
}

const END_TITLES: Readonly<Record<ExplainedWay['end'], string>> = {
  endpoint: 'to an endpoint',
  'proxy-port': 'to a proxy port',
  node: 'to the node itself',
  elsewhere: 'to another host',
  dropped: 'dropped',
  refused: 'refused',
  reset: 'reset by the proxy',
  unknown: 'not known',
}
