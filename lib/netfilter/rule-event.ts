import { type IpFamily } from '../model/address.js'

/** A line of `xtables-monitor --event`. Since version 1.8.10, it names a program (`ip6tables`) instead of an option (`-6`). */
export type RuleEvent =
  /** A rule or chain was added or deleted. */
  | { readonly kind: 'change'; readonly family: IpFamily; readonly table: string; readonly chain: string }
  /** The end of the changes that one program has made at once. The kernel gives the first 15 characters of its name. */
  | { readonly kind: 'commit'; readonly program: string }

const CHANGE = /^\s*EVENT: (-4|-6|iptables|ip6tables) -t (\S+) -[A-Z] (\S+)/
const COMMIT = /^NEWGEN: .*\bNAME=(.*)$/

/** Parses a line of `xtables-monitor --event`; undefined: it says nothing about rules of iptables. */
export function parseRuleEvent(line: string): RuleEvent | undefined {
  const change = CHANGE.exec(line)
  if (change !== null) {
    const [, version = '', table = '', chain = ''] = change
    return { kind: 'change', family: version.includes('6') ? 'IPv6' : 'IPv4', table, chain }
  }
  const commit = COMMIT.exec(line)
  return commit === null ? undefined : { kind: 'commit', program: commit[1]! }
}

/** The family of `iptables-restore` if a program has its name, with any back end; undefined: another program. */
export function restoreFamily(program: string): IpFamily | undefined {
  const match = /^ip(6?)tables-(?:nft-)?r/.exec(program)
  if (match === null) return undefined
  return match[1] === '6' ? 'IPv6' : 'IPv4'
}

/** Whether a commit of this program may contain changes of IPv6. */
export function mayChangeIPv6(program: string): boolean {
  return !/^(ip|arp|eb)tables/.test(program)
}
