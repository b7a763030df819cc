import { type IpFamily, hostPort } from '../model/address.js'
import { type Rule } from './rule-set.js'

/** The kernel keeps 256 bytes of a comment, the last of them 0. */
const COMMENT_BYTES = 255

/**
 * A rule as the words of an iptables command line, in exactly the order and spelling in which `iptables-save` prints it
 * back: so a rule of ours is found again by comparing words.
 */
export function ruleWords(rule: Rule, family: IpFamily): string[] {
  const words: string[] = []
  if (rule.source !== undefined) words.push('-s', `${rule.source.network}/${rule.source.bits}`)
  if (rule.destination !== undefined) words.push('-d', `${rule.destination}/${family === 'IPv4' ? 32 : 128}`)
  if (rule.inInterface !== undefined) words.push('-i', rule.inInterface)
  const protocol = rule.protocol?.toLowerCase()
  if (protocol !== undefined) words.push('-p', protocol)
  words.push('-m', 'comment', '--comment', safeComment(rule.comment))
  if (protocol !== undefined && rule.destinationPort !== undefined) {
    words.push('-m', protocol, '--dport', String(rule.destinationPort))
  }
  if (rule.destinationPorts !== undefined) words.push('-m', 'multiport', '--dports', rule.destinationPorts.join(','))
  if (rule.connection !== undefined) words.push('-m', 'conntrack', '--ctstate', rule.connection)
  if (rule.toThisNode === true) words.push('-m', 'addrtype', '--dst-type', 'LOCAL')
  return [...words, '-j', ...targetWords(rule, family)]
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
