import { type Packet, traceAll } from '../../../../test/support/kernel/trace-packet.js'
import { MemoryTables } from '../../../../test/support/kernel/memory-tables.js'

/** Where the rules lead a new client: to a Pod, to a port of the node, or nowhere. */
export type RuleLead = 'nothing' | 'Pods' | { readonly port: number }

/** Follows the first packet of a client through the rules of the table nat, in the form of `iptables-save`. */
export function findRuleLead(savedRules: string, packet: Packet): RuleLead {
  for (const { verdict } of traceAll(MemoryTables.fromIptablesSave(savedRules), packet)) {
    const [, address, port] = /^(?:(.*):|port )(\d+)(?: here)?$/.exec(verdict) ?? []
    if (port === undefined) continue
    return address === undefined || packet.localAddresses?.includes(address) === true ? { port: Number(port) } : 'Pods'
  }
  return 'nothing'
}
