import { wantsColour } from '../observe/klog.js'

/** What an output can show. */
export interface TerminalStyle {
  /** Its width; Infinity: lines may be of any length, as in a file or a pipe. */
  readonly columns: number
  readonly colour: boolean
  /** Whether it shows more than ASCII. */
  readonly isUnicode: boolean
}

/** The variables that name the locale, in the order in which the C library looks at them. */
const LOCALE_VARIABLES = ['LC_ALL', 'LC_CTYPE', 'LANG']
/** The width of a terminal that does not say how wide it is. */
const USUAL_COLUMNS = 80

/** What a stream of this process can show. */
export function terminalStyle(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): TerminalStyle {
  const isTerminal = stream.isTTY === true
  const locale = LOCALE_VARIABLES.map(name => env[name]).find(value => value !== undefined && value !== '') ?? ''
  return {
    columns: isTerminal ? stream.columns || USUAL_COLUMNS : Infinity,
    colour: wantsColour(env, isTerminal),
    isUnicode: /utf-?8/i.test(locale),
  }
}

/** How characters look where only ASCII can be shown. */
const ASCII: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '…': '...',
    '→': '->',
    '─': '-',
    '–': '-',
    '—': '-',
    '✓': 'ok',
    '✗': 'x',
    '•': '*',
  }),
)

/** A text for an output that shows only ASCII. */
export function toAscii(text: string): string {
  return text.replace(/[^\x00-\x7f]/gu, character => ASCII.get(character) ?? '?')
}
