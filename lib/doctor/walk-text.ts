import { type IpFamily, hostPort } from '../model/address.js'
import { type FoundRule, type ServiceWalk } from './kernel-facts.js'

/** `a packet of Pod 10.244.0.2 of this node to 10.96.0.10:80`. */
export function walkText({ sender, address, port }: ServiceWalk): string {
  return `a packet of ${sender} to ${hostPort(address, port)}`
}

/** The command that shows a rule with its neighbours. None removes it: it may be there for a reason that is not known here. */
export function ruleCommand({ table, chain }: FoundRule, family: IpFamily): string {
  return `${family === 'IPv6' ? 'ip6tables' : 'iptables'} -t ${table} -S ${chain}`
}
