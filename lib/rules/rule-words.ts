import { type IpAddress, type IpFamily, hostPort } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'
import { type PortRange } from '../model/port-range.js'
import { type FoundChain } from './found-rules.js'
import { type RecentMatch, type Rule } from './rule-set.js'

/** The kernel keeps 256 bytes of a comment, the last of them 0. */
const COMMENT_BYTES = 255

/**
 * A rule as the words of an iptables command line, in exactly the order and spelling in which `iptables-save` prints it
 * back: so a rule of ours is found again by comparing words. Both back ends of iptables 1.8 print the same:
 *
 *     -s  -d  -i  -p │ the matches (-m) in the order in which they were given │ -j        with ! before what is denied
 *
 * and neither prints a range of one port as a range, or what matches everything (`-d 0.0.0.0/0`, `--dport 0:65535`).
 */
export function ruleWords(rule: Rule, family: IpFamily): string[] {
  const words: string[] = []
  const { not = {} } = rule
  pushRange(words, [], '-s', rule.source, family)
  pushRange(words, ['!'], '-s', not.source, family)
  pushRange(words, [], '-d', rule.destination, family)
  pushRange(words, ['!'], '-d', not.destination, family)
  if (rule.inInterface !== undefined && rule.inInterface !== '+') words.push('-i', rule.inInterface)
  if (not.inInterface !== undefined) words.push('!', '-i', not.inInterface)
  const protocol = rule.protocol?.toLowerCase()
  if (protocol !== undefined) words.push('-p', protocol)
  if (rule.comment !== undefined) words.push('-m', 'comment', '--comment', safeComment(rule.comment))
  const ports = portWords(rule.destinationPort)
  if (protocol !== undefined && ports !== undefined) words.push('-m', protocol, '--dport', ports)
  if (rule.destinationPorts !== undefined) words.push('-m', 'multiport', '--dports', rule.destinationPorts.join(','))
  pushMatches(words, [], rule)
  pushMatches(words, ['!'], not)
  if (rule.oneIn !== undefined)
    words.push('-m', 'statistic', '--mode', 'random', '--probability', probability(rule.oneIn))
  if (rule.recent !== undefined) words.push('-m', 'recent', ...recentWords(rule.recent, family))
  if (rule.inSet !== undefined) words.push('-m', 'set', '--match-set', rule.inSet.name, rule.inSet.by)
  words.push('-j', ...targetWords(rule, family))
  return words
}

function pushMatches(words: string[], deny: readonly string[], match: NonNullable<Rule['not']>): void {
  const { connection, fromThisNode, toThisNode, mark } = match
  if (connection !== undefined) words.push('-m', 'conntrack', ...deny, '--ctstate', [connection].flat().join(','))
  if (fromThisNode === true) words.push('-m', 'addrtype', ...deny, '--src-type', 'LOCAL')
  if (toThisNode === true) words.push('-m', 'addrtype', ...deny, '--dst-type', 'LOCAL')
  if (mark !== undefined) words.push('-m', 'mark', ...deny, '--mark', `${hex(mark)}/${hex(mark)}`)
}

/** The kernel keeps 31 bits of it. */
function probability(oneIn: number): string {
  return (Math.round(2 ** 31 / oneIn) / 2 ** 31).toFixed(11)
}

function recentWords(recent: RecentMatch, family: IpFamily): string[] {
  const what = recent.action === 'set' ? ['--set'] : ['--rcheck', '--seconds', String(recent.seconds), '--reap']
  const mask = family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
  return [...what, '--name', recent.list, '--mask', mask, '--rsource']
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`
}

const OF_CHAINS: Readonly<Record<IpFamily, WeakMap<readonly Rule[], FoundChain>>> = {
  IPv4: new WeakMap(),
  IPv6: new WeakMap(),
}

/** The words of each rule of a chain. For the same list the same object: a chain that is as before is known by that. */
export function chainWords(rules: readonly Rule[], family: IpFamily): FoundChain {
  const known = OF_CHAINS[family].get(rules)
  if (known !== undefined) return known
  const words = rules.map(rule => ruleWords(rule, family))
  OF_CHAINS[family].set(rules, words)
  return words
}

function pushRange(
  words: string[],
  deny: readonly string[],
  option: string,
  range: IpAddress | Cidr | undefined,
  family: IpFamily,
): void {
  if (typeof range === 'string') words.push(...deny, option, `${range}/${family === 'IPv4' ? 32 : 128}`)
  else if (range !== undefined && range.bits > 0) words.push(...deny, option, `${range.network}/${range.bits}`)
}

function portWords(port: number | PortRange | undefined): string | undefined {
  if (port === undefined || typeof port === 'number') return port?.toString()
  if (port.first === port.last) return String(port.first)
  return port.first === 0 && port.last === 65_535 ? undefined : `${port.first}:${port.last}`
}

function targetWords({ target }: Rule, family: IpFamily): string[] {
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
      return ['MARK', '--set-xmark', `${hex(target.bits)}/${target.how === 'set' ? hex(target.bits) : '0x0'}`]
    case 'MASQUERADE':
      return target.randomPort ? ['MASQUERADE', '--random-fully'] : ['MASQUERADE']
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return [target.kind]
  }
}

/** Names reach us checked, but a rule text is no place to rely on that: nothing but printable ASCII gets in. */
function safeComment(comment: string): string {
  return comment.replace(/[^\x20-\x7e]/g, '?').slice(0, COMMENT_BYTES)
}
