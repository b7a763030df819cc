import { type FlagValues } from '../config/flag-settings.js'
import { FLAGS } from '../config/options.js'
import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'

/** What yargs adds to the values of flags. */
const NO_FLAGS = ['_', '$0', 'help', 'h', 'version']
const COMMANDS = ['check', 'demo', 'explain']

/** Arguments with the dashes of the flags that are documented. As in kube-proxy, `--log_file` is `--log-file`. */
export function dashedArguments(args: readonly string[]): readonly string[] {
  return args.map(arg => {
    // kube-proxy also has forms with more words about its build.
    if (/^--version=(?!false$)/.test(arg)) return '--version'
    const name = /^--[^=]*/.exec(arg)?.[0] ?? ''
    return name.replaceAll('_', '-') + arg.slice(name.length)
  })
}

/** The value of a flag that was given last; yargs makes a list of repeated ones. */
export function lastValue(value: FlagValues[string]): string | boolean | undefined {
  return typeof value === 'object' ? value.at(-1) : value
}

/**
 * Checks that all arguments are flags of the proxy.
 * @throws ProxyFailure CONFIG_INVALID with a sentence for each one that is not
 */
export function rejectUnknownArguments(values: Readonly<Record<string, unknown>>): void {
  const known = FLAGS.map(({ name }) => name)
  const flags = Object.keys(values).filter(name => !NO_FLAGS.includes(name) && !known.includes(name))
  const others = Array.isArray(values['_']) ? values['_'].map(String) : []
  const problems = [
    ...flags.map(name => `${dashes(name)}: unknown flag${suggestion(name, known)}`),
    ...others.map(text => `${quoteValue(text)}: unexpected argument; ${commandSuggestion(text)}`),
  ]
  if (problems.length === 0) return
  throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy --help' })
}

function commandSuggestion(text: string): string {
  const close = closestText(text, COMMANDS)
  return close === undefined ? 'every setting is a flag' : `did you mean kube-proxy ${close}?`
}

function suggestion(name: string, known: readonly string[]): string {
  const close = closestText(name, known)
  return close === undefined ? '' : `; did you mean ${dashes(close)}?`
}

function dashes(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`
}
