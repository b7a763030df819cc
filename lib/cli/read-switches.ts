import { FLAGS } from '../config/options.js'
import { parseBool } from '../config/parse-bool.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'

/** The switches of commands, and their short forms. `kube-proxy demo` and the proxy read theirs themselves. */
const SWITCHES: ReadonlyMap<string, readonly string[]> = new Map([
  ['doctor', ['verbose', 'v']],
  ['learn', ['no-questions']],
  ['status', ['all-namespaces', 'A', 'watch', 'w']],
  ['trace', ['all-namespaces', 'A', 'failures']],
])
const PROXY_SWITCHES = FLAGS.filter(({ kind }) => kind === 'switch').map(({ name }) => name)

/**
 * Arguments with `true` or `false` as the values of the switches of a command: yargs takes every other value for `false`, also `1`. A switch
 * of the proxy, which has no value here, gets one: yargs takes the next argument for it, which may be the sender of `kube-proxy explain`.
 * @throws ProxyFailure CONFIG_INVALID for a value that is neither true nor false
 */
export function readSwitches(args: readonly string[]): readonly string[] {
  const command = args.find(arg => arg === 'explain' || SWITCHES.has(arg))
  if (command === undefined) return args
  if (command === 'explain') return args.map(arg => (PROXY_SWITCHES.includes(arg.slice(2)) ? `${arg}=true` : arg))
  return args.map(arg => readSwitch(arg, command))
}

/** @param command that has switches */
function readSwitch(arg: string, command: string): string {
  // The last one of several letters gets the value, such as `-Aw=true`.
  const [, start, name = '', text = ''] = /^(--|-\w*(?=\w=))([^=]+)=(.*)$/s.exec(arg) ?? []
  if (start === undefined || SWITCHES.get(command)?.includes(name) !== true) return arg
  const value = parseBool(text)
  if (value !== undefined) return `${start}${name}=${value}`
  throw new ProxyFailure('CONFIG_INVALID', `${start}${name} ${quoteValue(text)}: expected true or false`, {
    hint: `See kube-proxy ${command} --help`,
  })
}
