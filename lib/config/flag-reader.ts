import { type IpAddress, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { specialAddress } from '../model/special-address.js'
import { parsePortRange } from '../model/port-range.js'
import { parseDuration } from './duration.js'
import { FLAGS } from './flags.js'
import { type ConntrackConfig, type DetectLocal, type OnExit } from './kube-proxy-config.js'

/** Flag values as they were typed, by flag name; what is absent has its default. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** The longest time a timer of Node can wait, in milliseconds: 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The largest number that the kernel takes for a setting; kube-proxy's own integers are as wide. */
const MAX_INT32 = 2 ** 31 - 1

/** More processes than this only get in each other's way. */
const MAX_WORKERS = 64

/** Reads single flags, and keeps a sentence for each value that cannot be used; what it gives in its place counts for nothing. */
export class FlagReader {
  readonly problems: string[] = []
  readonly #values: FlagValues

  constructor(values: FlagValues) {
    this.#values = values
  }

  addProblem(flag: string, text: string): void {
    this.problems.push(`--${flag} ${JSON.stringify(this.#getValue(flag) ?? '')}: ${text}`)
  }

  hasProblem(flag: string): boolean {
    return this.problems.some(problem => problem.startsWith(`--${flag} `))
  }

  readText(flag: string): string {
    const value = this.#getValue(flag)
    return typeof value === 'string' ? value.trim() : ''
  }

  #getValue(flag: string): FlagValues[string] {
    return this.#values[flag] ?? FLAGS.find(({ name }) => name === flag)?.default
  }

  readList(flag: string): readonly string[] {
    const value = this.#values[flag]
    const list = Array.isArray(value) ? (value as readonly string[]) : []
    if (list.some(entry => entry.trim() === '')) this.addProblem(flag, 'expected a path, found an empty one')
    return list
  }

  readDuration(flag: string, allowed: 'positive' | 'non-negative'): number {
    const ms = parseDuration(this.readText(flag))
    if (ms === undefined) this.addProblem(flag, 'expected a duration such as "250ms" or "1m30s"')
    else if (allowed === 'positive' && ms <= 0) this.addProblem(flag, 'must be greater than 0')
    else if (ms < 0) this.addProblem(flag, 'must be greater than or equal to 0')
    else if (ms > MAX_TIMER_MS) this.addProblem(flag, 'must be at most 24 days')
    return ms ?? 0
  }

  /** For the kernel, not for a timer of ours: days and weeks are fine. */
  readKernelTimeout(flag: string): number {
    const ms = parseDuration(this.readText(flag))
    if (ms === undefined) this.addProblem(flag, 'expected a duration such as "250ms" or "1m30s"')
    else if (ms < 0) this.addProblem(flag, 'must be greater than or equal to 0')
    else if (ms > MAX_INT32 * 1000) this.addProblem(flag, `must be at most ${MAX_INT32}s`)
    return ms ?? 0
  }

  /** A whole number from 0. */
  readCount(flag: string): number {
    const text = this.readText(flag)
    if (!/^-?\d+$/.test(text)) this.addProblem(flag, 'expected a whole number from 0')
    else if (Number(text) < 0) this.addProblem(flag, 'must be greater than or equal to 0')
    else if (Number(text) > MAX_INT32) this.addProblem(flag, `must be at most ${MAX_INT32}`)
    return Number(text)
  }

  readConntrack(): ConntrackConfig {
    return {
      maxPerCore: this.readCount('conntrack-max-per-core'),
      min: this.readCount('conntrack-min'),
      tcpEstablishedTimeout: this.readKernelTimeout('conntrack-tcp-timeout-established'),
      tcpCloseWaitTimeout: this.readKernelTimeout('conntrack-tcp-timeout-close-wait'),
      tcpBeLiberal: this.#values['conntrack-tcp-be-liberal'] === true,
      udpTimeout: this.readKernelTimeout('conntrack-udp-timeout'),
      udpStreamTimeout: this.readKernelTimeout('conntrack-udp-timeout-stream'),
    }
  }

  readMaster(): string {
    const text = this.readText('master')
    if (text === '') return ''
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      this.addProblem('master', 'expected a URL that starts with http:// or https://')
    return text
  }

  readNodeName(hostName: string): string {
    const given = this.#values['hostname-override']
    if (typeof given === 'string' && given !== '' && given.trim() === '')
      this.addProblem('hostname-override', 'expected a name, found only spaces')
    return (this.readText('hostname-override') || hostName).toLowerCase()
  }

  isSet(flag: string): boolean {
    return this.#values[flag] === true
  }

  /** @param known the names of all modes */
  readModes(known: readonly string[]): readonly string[] {
    const names = (this.readText('proxy-mode') || 'userspace').split(',').map(name => name.trim())
    const modes = names.filter(name => known.includes(name))
    const expected = `expected ${known.join(', ')}, or a list of them`
    if (modes.length < names.length) this.addProblem('proxy-mode', expected)
    else if (new Set(modes).size < modes.length) this.addProblem('proxy-mode', `${expected}, each once`)
    return modes
  }

  readOnExit(): OnExit {
    const text = this.readText('on-exit')
    if (text === 'keep' || text === 'cleanup' || text === 'kernel') return text
    this.addProblem('on-exit', 'expected keep, cleanup or kernel')
    return 'keep'
  }

  readFastPath(): 'auto' | 'off' {
    const text = this.readText('fast-path')
    if (text === 'off') return 'off'
    if (text !== 'auto') this.addProblem('fast-path', 'expected auto or off')
    return 'auto'
  }

  readBindAddress(): IpAddress | undefined {
    const ip = parseIp(this.readText('bind-address'))
    if (ip === undefined) this.addProblem('bind-address', 'expected an IP address')
    else if (ip === '0.0.0.0' || ip === '::') return undefined
    else if (specialAddress(ip) === 'loopback')
      this.addProblem('bind-address', 'cannot proxy on a loopback address: packets of Pods never get there')
    else if (specialAddress(ip) !== undefined)
      this.addProblem('bind-address', `cannot listen on a ${specialAddress(ip)} address`)
    return ip
  }

  readClusterCidr(): Cidr[] {
    const text = this.readText('cluster-cidr')
    if (text === '') return []
    const parts = text.split(',').map(part => parseCidr(part.trim()))
    const ranges = parts.filter(range => range !== undefined)
    if (ranges.length < parts.length) this.addProblem('cluster-cidr', 'expected a range such as "10.244.0.0/16"')
    else if (new Set(ranges.map(({ family }) => family)).size < ranges.length)
      this.addProblem('cluster-cidr', 'expected one range, or two of different IP families')
    return ranges
  }

  readDetectLocal(): DetectLocal {
    const mode = this.readText('detect-local-mode') || 'ClusterCIDR'
    if (mode === 'ClusterCIDR' || mode === 'NodeCIDR') return { mode }
    if (mode !== 'BridgeInterface' && mode !== 'InterfaceNamePrefix') {
      this.addProblem('detect-local-mode', 'expected ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix')
      return { mode: 'ClusterCIDR' }
    }
    const flag = mode === 'BridgeInterface' ? 'pod-bridge-interface' : 'pod-interface-name-prefix'
    const name = this.readText(flag)
    // The kernel's names of interfaces: at most 15 bytes, without spaces and slashes.
    if (!/^[^\s/+]{1,15}$/.test(name)) this.addProblem(flag, `expected the name that --detect-local-mode=${mode} needs`)
    return { mode, name }
  }

  readNodePortAddresses(): readonly Cidr[] | 'primary' | undefined {
    const values = this.readList('nodeport-addresses')
      .flatMap(value => value.split(','))
      .map(value => value.trim())
    if (values.length === 0) return undefined
    if (values.length === 1 && values[0] === 'primary') return 'primary'
    if (values.includes('primary')) {
      this.addProblem('nodeport-addresses', "can't use both 'primary' and CIDRs")
      return undefined
    }
    const ranges = values.map(parseCidr).filter(range => range !== undefined)
    if (ranges.length < values.length) {
      this.addProblem('nodeport-addresses', 'expected ranges such as "192.168.0.0/16", or "primary"')
    }
    return ranges
  }

  readBool(flag: string): boolean {
    const text = this.readText(flag)
    if (text !== 'true' && text !== 'false') this.addProblem(flag, 'expected "true" or "false"')
    return text === 'true'
  }

  readDataPlaneWorkers(): number | 'auto' {
    const text = this.readText('data-plane-workers')
    if (text === 'auto') return text
    if (!/^\d+$/.test(text)) this.addProblem('data-plane-workers', 'expected a number from 0, or "auto"')
    else if (Number(text) > MAX_WORKERS) this.addProblem('data-plane-workers', `must be at most ${MAX_WORKERS}`)
    return Number(text)
  }

  readPortRange() {
    const range = parsePortRange(this.readText('proxy-port-range'))
    if (typeof range !== 'string') return range
    this.addProblem('proxy-port-range', range)
    return undefined
  }

  readHttpAddress(flag: string): string {
    const text = this.readText(flag)
    if (text === '') return ''
    const match = /^(?:\[(.+)\]|([^:]*)):(\d+)$/.exec(text)
    const port = Number(match?.[3])
    if (match === null || parseIp(match[1] ?? match[2]) === undefined)
      this.addProblem(flag, 'expected IP:PORT, such as "0.0.0.0:10256" or "[::]:10256"')
    else if (port < 1 || port > 65535) this.addProblem(flag, 'expected a port from 1 to 65535')
    return text
  }

  readVerbosity(): number {
    const text = this.readText('v')
    if (!/^\d{1,3}$/.test(text)) this.addProblem('v', 'expected a whole number from 0')
    return Number(text)
  }
}
