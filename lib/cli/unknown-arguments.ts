import { FLAGS } from '../config/options.js'
import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'

/** What yargs adds to the values of flags. */
const NO_FLAGS = ['_', '$0', 'help', 'h', 'version']

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
    ...others.map(text => `${JSON.stringify(text)}: unexpected argument; every setting is a flag`),
  ]
  if (problems.length === 0) return
  throw new ProxyFailure('CONFIG_INVALID', problems.join('\n'), { hint: 'See kube-proxy --help' })
}

function suggestion(name: string, known: readonly string[]): string {
  const close = closestText(name, known)
  return close === undefined ? '' : `; did you mean ${dashes(close)}?`
}

function dashes(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`
}
