import { type IpAddress, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { specialAddress } from '../model/special-address.js'
import { parsePortRange } from '../model/port-range.js'
import { parseInteger } from '../primitives/parse-integer.js'
import { parseDuration } from './duration.js'
import { type Flag } from './flag.js'
import { FLAGS } from './flags.js'
import { parseHttpAddress } from './http-address.js'
import { type ConntrackConfig, type DetectLocal, DETECT_LOCAL_MODES } from './kube-proxy-config.js'
import { parseBool } from './parse-bool.js'

/** Flag values by flag name: texts, `true` and `false` for switches. An absent flag has its default. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** The longest time of a timer in Node, in milliseconds: 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The largest number that the kernel accepts for a setting; kube-proxy's own integers have the same limit. */
const MAX_INT32 = 2 ** 31 - 1

/** OOM_SCORE_ADJ_MAX of the kernel. */
const MAX_OOM_SCORE = 1000

/** More worker processes do not make the proxy faster. */
const MAX_WORKERS = 64

/** Reads single flags, and collects a sentence for each invalid value. The result for an invalid value has no meaning. */
export class FlagReader {
  /** A sentence for each invalid value. */
  readonly problems: string[] = []
  readonly #values: Record<string, FlagValues[string]>

  constructor(values: FlagValues) {
    this.#values = { ...values }
    for (const [name, value] of Object.entries(values)) {
      const flag = FLAGS.find(known => known.name === name)
      if (value === undefined || (flag !== undefined && hasKindOf(flag, value))) continue
      const expected = flag?.kind === 'list' ? 'expected a list of texts' : 'expected text'
      this.addProblem(name, flag === undefined ? 'unknown flag; see kube-proxy --help' : expected)
      // One problem for each flag is enough.
      delete this.#values[name]
    }
  }

  /** Adds a sentence about the value of a flag: what was expected, and what to do. */
  addProblem(flag: string, text: string): void {
    this.problems.push(`--${flag} ${JSON.stringify(this.#values[flag] ?? defaultOf(flag) ?? '')}: ${text}`)
  }

  /** Whether the value of a flag is invalid. */
  hasProblem(flag: string): boolean {
    return this.problems.some(problem => problem.startsWith(`--${flag} `))
  }

  /** The text of a flag, or its default when absent, without spaces around it. */
  readText(flag: string): string {
    const value = this.#values[flag] ?? defaultOf(flag)
    return typeof value === 'string' ? value.trim() : ''
  }

  /** The same for a flag whose empty text means the default too. */
  readTextOrDefault(flag: string): string {
    return this.readText(flag) || (defaultOf(flag) ?? '')
  }

  /** One of `choices`; a problem for any other text. */
  readChoice<Choice extends string>(
    flag: string,
    choices: readonly Choice[],
    text: string = this.readText(flag),
  ): Choice {
    const choice = choices.find(known => known === text)
    if (choice === undefined)
      this.addProblem(flag, `expected ${choices.slice(0, -1).join(', ')} or ${choices[choices.length - 1]}`)
    return choice ?? choices[0]!
  }

  /** The values of a flag that may be repeated. */
  readList(flag: string): readonly string[] {
    const list = this.#readEntries(flag)
    if (list.some(entry => entry.trim() === '')) this.addProblem(flag, 'one value is empty; complete or remove it')
    return list
  }

  /** The entries of a flag that may be repeated, and whose values may be lists too. As in kube-proxy, an empty value has none. */
  readCommaList(flag: string): readonly string[] {
    return this.#readEntries(flag)
      .filter(text => text !== '')
      .flatMap(text => text.split(','))
      .map(text => text.trim())
  }

  /** A duration in milliseconds, for a timer of this process. */
  readDuration(flag: string, allowed: 'positive' | 'non-negative'): number {
    const ms = parseDuration(this.readText(flag))
    if (ms === undefined) this.addProblem(flag, 'expected a duration such as 250ms or 1m30s')
    else if (allowed === 'positive' && ms <= 0) this.addProblem(flag, 'must be longer than 0')
    else if (ms < 0) this.addProblem(flag, 'must be at least 0')
    else if (ms > MAX_TIMER_MS) this.addProblem(flag, 'must be at most 24 days')
    return ms ?? 0
  }

  /** A duration in milliseconds for a setting of the kernel, which may be much longer than a timer of Node. */
  readKernelTimeout(flag: string): number {
    const ms = parseDuration(this.readText(flag))
    if (ms === undefined) this.addProblem(flag, 'expected a duration such as 250ms or 1m30s')
    else if (ms < 0) this.addProblem(flag, 'must be at least 0')
    else if (ms > MAX_INT32 * 1000) this.addProblem(flag, `must be at most ${MAX_INT32}s`)
    return ms ?? 0
  }

  /** A whole number of at least 0, in the notations that kube-proxy accepts: 0x10 and 020 are 16. */
  readCount(flag: string): number {
    const count = parseInteger(this.readText(flag))
    if (count === undefined) this.addProblem(flag, 'expected a whole number of at least 0')
    else if (count < 0) this.addProblem(flag, 'must be at least 0')
    else if (count > MAX_INT32) this.addProblem(flag, `must be at most ${MAX_INT32}`)
    return count ?? 0
  }

  /** A value for `/proc/self/oom_score_adj`, with the limits of the kernel. */
  readOomScore(): number {
    const text = this.readText('oom-score-adj')
    const score = Number(text)
    if (!/^-?\d+$/.test(text) || Math.abs(score) > MAX_OOM_SCORE)
      this.addProblem('oom-score-adj', `expected a whole number from -${MAX_OOM_SCORE} to ${MAX_OOM_SCORE}`)
    return score
  }

  /** The settings of connection tracking. */
  readConntrack(): ConntrackConfig {
    return {
      maxPerCore: this.readCount('conntrack-max-per-core'),
      min: this.readCount('conntrack-min'),
      tcpEstablishedTimeout: this.readKernelTimeout('conntrack-tcp-timeout-established'),
      tcpCloseWaitTimeout: this.readKernelTimeout('conntrack-tcp-timeout-close-wait'),
      tcpBeLiberal: this.readSwitch('conntrack-tcp-be-liberal'),
      udpTimeout: this.readKernelTimeout('conntrack-udp-timeout'),
      udpStreamTimeout: this.readKernelTimeout('conntrack-udp-timeout-stream'),
    }
  }

  /** The URL of the API server; empty: none. */
  readMaster(): string {
    const text = this.readText('master')
    if (text === '') return ''
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      this.addProblem('master', 'expected a URL that starts with http:// or https://')
    return text
  }

  /** The name of the Node, lower case: the override, or the host name. */
  readNodeName(hostName: string): string {
    const given = this.#values['hostname-override']
    if (typeof given === 'string' && given !== '' && given.trim() === '')
      this.addProblem('hostname-override', 'expected a name; leave the flag out to use the host name')
    return (this.readText('hostname-override') || hostName).toLowerCase()
  }

  /** Whether a switch is on. */
  readSwitch(flag: string): boolean {
    const value = this.#values[flag] ?? defaultOf(flag) ?? false
    if (typeof value === 'boolean') return value
    const parsed = typeof value === 'string' ? parseBool(value) : undefined
    if (parsed === undefined) this.addProblem(flag, 'expected true or false')
    return parsed ?? false
  }

  /**
   * The modes in order of preference.
   * @param known the names of all modes
   */
  readModes(known: readonly string[]): readonly string[] {
    const names = this.readTextOrDefault('proxy-mode')
      .split(',')
      .map(name => name.trim())
    const modes = names.filter(name => known.includes(name))
    const expected = `expected ${known.join(', ')}, or a list of them`
    if (modes.length < names.length) this.addProblem('proxy-mode', expected)
    else if (new Set(modes).size < modes.length) this.addProblem('proxy-mode', `${expected}, each once`)
    return modes
  }

  /** The address of listeners; undefined: the node's own. */
  readBindAddress(): IpAddress | undefined {
    const ip = parseIp(this.readTextOrDefault('bind-address'))
    if (ip === undefined) this.addProblem('bind-address', 'expected an IP address such as 192.168.1.10')
    else if (ip === '0.0.0.0' || ip === '::') return undefined
    else if (specialAddress(ip) === 'loopback')
      this.addProblem('bind-address', 'Pods cannot reach a loopback address; use an address of the node, or 0.0.0.0')
    else if (specialAddress(ip) !== undefined)
      this.addProblem(
        'bind-address',
        `cannot listen on a ${specialAddress(ip)} address; use an address of the node, or 0.0.0.0`,
      )
    return ip
  }

  /** Ranges of Pod addresses, at most one for each family. */
  readClusterCidr(): Cidr[] {
    const text = this.readText('cluster-cidr')
    if (text === '') return []
    const parts = text.split(',').map(part => parseCidr(part.trim()))
    const ranges = parts.filter(range => range !== undefined)
    if (ranges.length < parts.length) this.addProblem('cluster-cidr', 'expected a CIDR such as 10.244.0.0/16')
    else if (new Set(ranges.map(({ family }) => family)).size < ranges.length)
      this.addProblem('cluster-cidr', 'two CIDRs of one IP family; use at most one for each family')
    return ranges
  }

  /** The method to recognise traffic from Pods, with the name that it needs. */
  readDetectLocal(): DetectLocal {
    const text = this.readTextOrDefault('detect-local-mode')
    const mode = this.readChoice('detect-local-mode', DETECT_LOCAL_MODES, text)
    if (mode === 'ClusterCIDR' || mode === 'NodeCIDR') return { mode }
    const flag = mode === 'BridgeInterface' ? 'pod-bridge-interface' : 'pod-interface-name-prefix'
    const name = this.readText(flag)
    // Interface names in Linux have at most 15 bytes, without spaces and slashes.
    if (!/^[^\s/+]{1,15}$/.test(name))
      this.addProblem(flag, `expected 1 to 15 characters of an interface name; --detect-local-mode=${mode} needs it`)
    return { mode, name }
  }

  /** CIDRs of the node addresses that serve node ports, `primary`, or undefined for all addresses. */
  readNodePortAddresses(): readonly Cidr[] | 'primary' | undefined {
    const values = this.readCommaList('nodeport-addresses')
    if (values.length === 0) return undefined
    if (values.length === 1 && values[0] === 'primary') return 'primary'
    if (values.includes('primary')) {
      this.addProblem('nodeport-addresses', 'cannot combine primary with CIDRs; use one of the two')
      return undefined
    }
    const ranges = values.map(parseCidr).filter(range => range !== undefined)
    if (ranges.length < values.length) {
      this.addProblem('nodeport-addresses', 'expected CIDRs such as 192.168.0.0/16, or primary')
    }
    return ranges
  }

  /** The number of worker processes. */
  readDataPlaneWorkers(): number | 'auto' {
    const text = this.readText('data-plane-workers')
    if (text === 'auto') return text
    const count = parseInteger(text) ?? -1
    if (count < 0) this.addProblem('data-plane-workers', 'expected a whole number of at least 0, or auto')
    else if (count > MAX_WORKERS) this.addProblem('data-plane-workers', `must be at most ${MAX_WORKERS}`)
    return count
  }

  /** The range of listener ports; undefined: the kernel chooses. */
  readPortRange() {
    const range = parsePortRange(this.readText('proxy-port-range'))
    if (typeof range !== 'string') return range
    this.addProblem('proxy-port-range', range)
    return undefined
  }

  /** `IP:PORT` of an HTTP server, with the default port if the value has none; empty: no server. */
  readHttpAddress(flag: string): string {
    const text = this.readText(flag)
    if (text === '') return ''
    const read = parseHttpAddress(text, Number(/\d+$/.exec(defaultOf(flag) ?? '')?.[0]))
    if ('address' in read) return read.address
    this.addProblem(flag, read.expected)
    return ''
  }

  #readEntries(flag: string): readonly string[] {
    const value = this.#values[flag]
    return typeof value === 'string' ? [value] : Array.isArray(value) ? (value as readonly string[]) : []
  }

  /** The verbosity of the log. */
  readVerbosity(): number {
    const text = this.readText('v')
    if (!/^\d{1,3}$/.test(text)) this.addProblem('v', 'expected a whole number of at least 0')
    return Number(text)
  }
}

function defaultOf(flag: string): string | undefined {
  return FLAGS.find(({ name }) => name === flag)?.default
}

function hasKindOf({ kind }: Flag, value: unknown): boolean {
  if (kind === 'switch') return true
  if (typeof value === 'string') return true
  return kind === 'list' && Array.isArray(value) && value.every(entry => typeof entry === 'string')
}
