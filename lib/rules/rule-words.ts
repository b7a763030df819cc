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
  if (rule.destination !== undefined) words.push('-d', `${rule.destination}/${family === 'IPv4' ? 32 : 128}`)
  const protocol = rule.protocol?.toLowerCase()
  if (protocol !== undefined) words.push('-p', protocol)
  words.push('-m', 'comment', '--comment', safeComment(rule.comment))
  if (protocol !== undefined && rule.destinationPort !== undefined) {
    words.push('-m', protocol, '--dport', String(rule.destinationPort))
  }
  return [...words, '-j', ...targetWords(rule)]
}

function targetWords({ target }: Rule): string[] {
  switch (target.kind) {
    case 'jump':
      return [target.chain]
    case 'DNAT':
      return ['DNAT', '--to-destination', hostPort(target.address, target.port)]
    case 'REDIRECT':
      return ['REDIRECT', '--to-ports', String(target.port)]
  }
}

/** Names reach us checked, but a rule text is no place to rely on that: nothing but printable ASCII gets in. */
function safeComment(comment: string): string {
  return comment.replace(/[^\x20-\x7e]/g, '?').slice(0, COMMENT_BYTES)
}
