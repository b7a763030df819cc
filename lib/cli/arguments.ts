import { type FlagValues } from '../config/flag-settings.js'
import { FLAGS } from '../config/options.js'
import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'

/** What yargs adds to the values of flags. */
const NO_FLAGS = ['_', '$0', 'help', 'h', 'version']
const COMMANDS = ['ask', 'check', 'demo', 'doctor', 'explain', 'learn', 'status', 'trace']

/** Arguments with the dashes of the flags that are documented. As in kube-proxy, `--log_file` is `--log-file`. */
export function dashedArguments(args: readonly string[]): readonly string[] {
  return args.map(arg => {
    // kube-proxy also has forms with more words about its build.
    if (/^--version=(?!false$)/.test(arg)) return '--version'
    const name = /^--[^=]*/.exec(arg)?.[0] ?? ''
    return name.replaceAll('_', '-') + arg.slice(name.length)
  })
}

/**
 * Checks that no flag has the name of what every object inherits, such as `--constructor`: yargs 18 looks flags up in plain objects and
 * crashes.
 * @throws ProxyFailure CONFIG_INVALID with a sentence for each one that has
 */
export function rejectInheritedNames(args: readonly string[]): void {
  const end = args.indexOf('--')
  const names = args.slice(0, end < 0 ? undefined : end).map(arg => /^--([^=]+)/.exec(arg)?.[1] ?? '')
  const isInherited = (name: string): boolean =>
    name.replace(/^no-/, '').replace(/-+(.)/g, (_, letter: string) => letter.toUpperCase()) in {}
  reject(
    names.filter(isInherited).map(name => `${dashes(name)}: unknown flag`),
    'See kube-proxy --help',
  )
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
  reject(
    [
      ...unknownFlags(values, known).map(name => `${dashes(name)}: unknown flag${suggestion(name, known)}`),
      ...positionals(values).map(text => `${quoteValue(text)}: unexpected argument; ${commandSuggestion(text)}`),
    ],
    'See kube-proxy --help',
  )
}

/**
 * The same for a command.
 * @param known the flags of the command
 */
export function rejectArgumentsOfOthers(
  values: Readonly<Record<string, unknown>>,
  command: string,
  known: readonly string[],
): void {
  const ofProxy = FLAGS.map(({ name }) => name)
  const explain = (name: string): string =>
    ofProxy.includes(name) ? `kube-proxy ${command} does not use it` : `unknown flag${suggestion(name, known)}`
  reject(
    [
      ...unknownFlags(values, known).map(name => `${dashes(name)}: ${explain(name)}`),
      // The first one is the command itself.
      ...positionals(values)
        .slice(1)
        .map(text => `${quoteValue(text)}: unexpected argument; every setting is a flag`),
    ],
    `See kube-proxy ${command} --help`,
  )
}

function unknownFlags(values: Readonly<Record<string, unknown>>, known: readonly string[]): readonly string[] {
  return Object.keys(values).filter(name => !NO_FLAGS.includes(name) && !known.includes(name))
}

function positionals(values: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(values['_']) ? values['_'].map(String) : []
}

function reject(problems: readonly string[], hint: string): void {
  if (problems.length > 0) throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint })
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
