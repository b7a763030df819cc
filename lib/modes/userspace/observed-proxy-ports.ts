import { type IpAddress } from '../../model/address.js'
import { PORTALS_CONTAINER } from '../../netfilter/chain-names.js'
import { type ObservedRules, optionValue } from '../../netfilter/iptables-save.js'

/**
 * The proxy ports that rules in the kernel lead to, by `frontendKey`: an earlier process listened on them. Listening there
 * again keeps those rules, and the conntrack entries of UDP clients, valid across a restart.
 */
export function observedProxyPorts(observed: ObservedRules): Map<string, number> {
  const ports = new Map<string, number>()
  const chains = [...(observed.get('nat') ?? [])].filter(
    ([name]) => name === PORTALS_CONTAINER || name.startsWith('KUBE-ADDR-'),
  )
  for (const args of chains.flatMap(([, rules]) => rules)) {
    const destination = optionValue(args, '-d')?.split('/')[0]
    const to = optionValue(args, '--to-destination')?.split(':').at(-1) ?? optionValue(args, '--to-ports')
    const port = Number(to)
    if (destination === undefined || !Number.isInteger(port) || port < 1) continue
    ports.set(frontendKey(destination, Number(optionValue(args, '--dport')), optionValue(args, '-p') ?? ''), port)
  }
  return ports
}

/** The key of `observedProxyPorts`: `10.96.0.10 80 TCP`. */
export function frontendKey(address: IpAddress, port: number, protocol: string): string {
  return `${address} ${port} ${protocol.toUpperCase()}`
}
