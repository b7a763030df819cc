import { type ObservedTable, optionValue, targetOf } from './iptables-save.js'
import { type Link } from './rule-set.js'

/** Targets that end a packet's way through a chain before it comes to our jump. Refusals are not among them. */
const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'RETURN', 'DNAT', 'REDIRECT', 'NETMAP', 'NFQUEUE'])

/**
 * Whether a rule of another program stands above a link and takes packets that the link has to see.
 *
 * @param args the arguments of the link's rule
 * @param ownChains the chains of this program in the table; rules that jump to them may stand anywhere
 */
export function isBypassed(
  { chain, staysAbove }: Link,
  args: readonly string[],
  observed: ObservedTable,
  ownChains: Pick<ReadonlySet<string>, 'has'>,
): boolean {
  if (staysAbove === undefined) return false
  const text = args.join(' ')
  for (const rule of observed.get(chain) ?? []) {
    if (rule.join(' ') === text) return false
    const target = targetOf(rule)
    if (target === undefined || ownChains.has(target) || isForKnownConnections(rule)) continue
    if (VERDICTS.has(target) || (staysAbove === 'acceptance' && accepts(target, observed, new Set()))) return true
  }
  return false
}

/** Firewalls begin with such a rule. It sees no new connection, and our links see nothing else. */
function isForKnownConnections(rule: readonly string[]): boolean {
  const states = optionValue(rule, '--ctstate') ?? optionValue(rule, '--state')
  if (states === undefined || rule.includes('!')) return false
  return states.split(',').every(state => state === 'ESTABLISHED' || state === 'RELATED')
}

/** Whether a chain, or one that it leads to, accepts packets. */
function accepts(chain: string, observed: ObservedTable, visited: Set<string>): boolean {
  if (visited.has(chain)) return false
  visited.add(chain)
  return (observed.get(chain) ?? []).some(rule => {
    if (isForKnownConnections(rule)) return false
    const target = targetOf(rule)
    return target === 'ACCEPT' || target === 'NFQUEUE' || (target !== undefined && accepts(target, observed, visited))
  })
}
