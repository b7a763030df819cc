import { type IpAddress, type IpFamily, hostPort } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'
import { type PortRange } from '../model/port-range.js'
import { type ObservedChain } from './iptables-save.js'
import { type RecentMatch, type Rule } from './rule-set.js'

/** The kernel stores 256 bytes of a comment, with a 0 at the end. */
const MAX_COMMENT_BYTES = 255

/**
 * A rule as the arguments of an iptables command line, in exactly the order and spelling in which `iptables-save` prints it
 * back. So a rule can be found in the kernel by comparing arguments. Both back ends of iptables 1.8 print the same:
 *
 *     -s  -d  -i  -p │ the matches (-m) in the order in which they were given │ -j        with ! before a negated option
 *
 * and neither prints a range of one port as a range, or a match of everything (`-d 0.0.0.0/0`, `--dport 0:65535`).
 */
export function iptablesArgs(rule: Rule, family: IpFamily): string[] {
  const args: string[] = []
  const { not = {} } = rule
  pushRange(args, [], '-s', rule.source, family)
  pushRange(args, ['!'], '-s', not.source, family)
  pushRange(args, [], '-d', rule.destination, family)
  pushRange(args, ['!'], '-d', not.destination, family)
  if (rule.inInterface !== undefined && rule.inInterface !== '+') args.push('-i', rule.inInterface)
  if (not.inInterface !== undefined) args.push('!', '-i', not.inInterface)
  const protocol = rule.protocol?.toLowerCase()
  if (protocol !== undefined) args.push('-p', protocol)
  if (rule.comment !== undefined) args.push('-m', 'comment', '--comment', sanitizeComment(rule.comment))
  const flags = rule.keepsConnection === true ? ['--tcp-flags', 'FIN,RST', 'NONE'] : []
  const protocolArgs = [...portArgs('--sport', rule.sourcePort), ...portArgs('--dport', rule.destinationPort), ...flags]
  if (protocol !== undefined && protocolArgs.length > 0) args.push('-m', protocol, ...protocolArgs)
  if (rule.sourcePorts !== undefined) args.push('-m', 'multiport', '--sports', rule.sourcePorts.join(','))
  if (rule.destinationPorts !== undefined) args.push('-m', 'multiport', '--dports', rule.destinationPorts.join(','))
  pushMatches(args, [], rule)
  pushMatches(args, ['!'], not)
  if (rule.oneIn !== undefined)
    args.push('-m', 'statistic', '--mode', 'random', '--probability', probability(rule.oneIn))
  if (rule.recent !== undefined) args.push('-m', 'recent', ...recentArgs(rule.recent, family))
  if (rule.inSet !== undefined) args.push('-m', 'set', '--match-set', rule.inSet.name, rule.inSet.fields)
  args.push('-j', ...targetArgs(rule, family))
  return args
}

function pushMatches(args: string[], negation: readonly string[], match: NonNullable<Rule['not']>): void {
  const { connection, fromThisNode, toThisNode, mark } = match
  if (connection !== undefined) args.push('-m', 'conntrack', ...negation, '--ctstate', [connection].flat().join(','))
  if (fromThisNode === true) args.push('-m', 'addrtype', ...negation, '--src-type', 'LOCAL')
  if (toThisNode === true) args.push('-m', 'addrtype', ...negation, '--dst-type', 'LOCAL')
  if (mark !== undefined) args.push('-m', 'mark', ...negation, '--mark', `${hex(mark)}/${hex(mark)}`)
}

/** The probability as iptables-save prints it: the kernel stores 31 bits. */
function probability(oneIn: number): string {
  return (Math.round(2 ** 31 / oneIn) / 2 ** 31).toFixed(11)
}

function recentArgs(recent: RecentMatch, family: IpFamily): string[] {
  const action = recent.action === 'set' ? ['--set'] : ['--rcheck', '--seconds', String(recent.seconds), '--reap']
  const mask = family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
  return [...action, '--name', recent.list, '--mask', mask, '--rsource']
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`
}

const CHAIN_ARGS_CACHE: Readonly<Record<IpFamily, WeakMap<readonly Rule[], ObservedChain>>> = {
  IPv4: new WeakMap(),
  IPv6: new WeakMap(),
}

/**
 * The arguments of each rule of a chain. The same list of rules gives the same object, so unchanged chains compare by
 * reference.
 */
export function chainArgs(rules: readonly Rule[], family: IpFamily): ObservedChain {
  const cached = CHAIN_ARGS_CACHE[family].get(rules)
  if (cached !== undefined) return cached
  const args = rules.map(rule => iptablesArgs(rule, family))
  CHAIN_ARGS_CACHE[family].set(rules, args)
  return args
}

function pushRange(
  args: string[],
  negation: readonly string[],
  option: string,
  range: IpAddress | Cidr | undefined,
  family: IpFamily,
): void {
  if (typeof range === 'string') args.push(...negation, option, `${range}/${family === 'IPv4' ? 32 : 128}`)
  else if (range !== undefined && range.bits > 0) args.push(...negation, option, `${range.network}/${range.bits}`)
}

function portArgs(option: '--sport' | '--dport', port: number | PortRange | undefined): string[] {
  if (port === undefined) return []
  const { first, last } = typeof port === 'number' ? { first: port, last: port } : port
  if (first === 0 && last === 65_535) return []
  return [option, first === last ? String(first) : `${first}:${last}`]
}

function targetArgs({ target }: Rule, family: IpFamily): string[] {
  switch (target.kind) {
    case 'jump':
      return [target.chain]
    case 'DNAT':
      return ['DNAT', '--to-destination', hostPort(target.address, target.port)]
    case 'REDIRECT':
      return ['REDIRECT', '--to-ports', String(target.port)]
    case 'REJECT':
      if (target.with === 'tcp-reset') return ['REJECT', '--reject-with', 'tcp-reset']
      return ['REJECT', '--reject-with', family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable']
    case 'MARK':
      return ['MARK', '--set-xmark', `${hex(target.bits)}/${target.operation === 'set' ? hex(target.bits) : '0x0'}`]
    case 'MASQUERADE':
      return target.randomPort ? ['MASQUERADE', '--random-fully'] : ['MASQUERADE']
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return [target.kind]
  }
}

/** Only printable ASCII gets into a rule text. Names were checked before, but an error there must not inject rules. */
function sanitizeComment(comment: string): string {
  return comment.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_COMMENT_BYTES)
}
