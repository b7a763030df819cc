import { type IpAddress } from '../../model/address.js'
import { PORTALS_CONTAINER } from '../../rules/chain-names.js'
import { type FoundRules, wordAfter } from '../../rules/found-rules.js'

/**
 * The proxy ports that rules in the kernel lead to, by `address port protocol`: what an earlier process held. To listen
 * there again keeps those rules, and the conntrack entries of UDP clients, true across a restart.
 */
export function foundProxyPorts(found: FoundRules): Map<string, number> {
  const ports = new Map<string, number>()
  const chains = [...(found.get('nat') ?? [])].filter(
    ([name]) => name === PORTALS_CONTAINER || name.startsWith('KUBE-ADDR-'),
  )
  for (const words of chains.flatMap(([, rules]) => rules)) {
    const destination = wordAfter(words, '-d')?.split('/')[0]
    const to = wordAfter(words, '--to-destination')?.split(':').at(-1) ?? wordAfter(words, '--to-ports')
    const port = Number(to)
    if (destination === undefined || !Number.isInteger(port) || port < 1) continue
    ports.set(portalName(destination, Number(wordAfter(words, '--dport')), wordAfter(words, '-p') ?? ''), port)
  }
  return ports
}

/** The key of `foundProxyPorts`. */
export function portalName(address: IpAddress, port: number, protocol: string): string {
  return `${address} ${port} ${protocol.toUpperCase()}`
}
