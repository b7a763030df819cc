import { cidrContains } from '../../../lib/model/cidr.js'
import { type Rule, type RuleTree } from '../../../lib/netfilter/rule-set.js'

/** The fields of a packet that rules of trees match. */
export interface WalkedPacket {
  readonly address?: string
  readonly source?: string
  readonly protocol: 'TCP' | 'UDP'
  readonly port: number
}

/** The first rule with a target other than a jump that a packet met, and how many rules it was compared with until then. */
export interface Walk {
  readonly matched: Rule | undefined
  readonly compared: number
  readonly jumps: number
}

/** Leads a packet through a tree as netfilter does: if no rule in a chain matches, it continues after the jump. */
export function walkRules(tree: RuleTree, packet: WalkedPacket): Walk {
  let compared = 0
  let maxJumps = 0
  const walk = (rules: readonly Rule[], jumps: number): Rule | undefined => {
    maxJumps = Math.max(maxJumps, jumps)
    for (const rule of rules) {
      compared++
      if (!matches(rule, packet)) continue
      if (rule.target.kind !== 'jump') return rule
      const chain = tree.chains.get(rule.target.chain)
      if (chain === undefined) throw new Error(`no chain ${rule.target.chain}`)
      const matched = walk(chain, jumps + 1)
      if (matched !== undefined) return matched
    }
    return undefined
  }
  const matched = walk(tree.root, 0)
  return { matched, compared, jumps: maxJumps }
}

function matches(rule: Rule, { address, source, protocol, port }: WalkedPacket): boolean {
  const { destination, destinationPort: ports } = rule
  if (typeof destination === 'string' && destination !== address) return false
  if (typeof destination === 'object' && (address === undefined || !cidrContains(destination, address))) return false
  if (typeof rule.source === 'string' && rule.source !== source) return false
  if (typeof rule.source === 'object' && (source === undefined || !cidrContains(rule.source, source))) return false
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false
  if (typeof ports === 'number' && ports !== port) return false
  if (typeof ports === 'object' && (port < ports.first || port > ports.last)) return false
  return rule.destinationPorts?.includes(port) ?? true
}

/** Chains that are in only one of two trees, or differ. The root counts as a chain with the name ''. */
export function differingChains(a: RuleTree, b: RuleTree): string[] {
  const [inA, inB] = [a, b].map(({ root, chains }) => new Map([['', root], ...chains]))
  const names = new Set([...inA!.keys(), ...inB!.keys()])
  return [...names].filter(name => JSON.stringify(inA!.get(name)) !== JSON.stringify(inB!.get(name)))
}
