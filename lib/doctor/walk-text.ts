import { familyOf, hostPort, parseIp } from '../model/address.js'
import { type FoundRule, type ServiceWalk } from './kernel-facts.js'

/** `a packet of Pod 10.244.0.2 of this node to 10.96.0.10:80`. */
export function walkText({ sender, address, port }: ServiceWalk): string {
  return `a packet of ${sender} to ${hostPort(address, port)}`
}

/** The command that removes a rule. @param place of the same family */
export function deleteCommand({ table, chain, rule }: FoundRule, { address }: { readonly address: string }): string {
  const ip = parseIp(address) ?? parseIp(address.replace(/^\[(.*)\]:\d+$/, '$1'))
  const program = ip !== undefined && familyOf(ip) === 'IPv6' ? 'ip6tables' : 'iptables'
  return `${program} -t ${table} ${rule.replace(`-A ${chain} `, `-D ${chain} `)}`
}
