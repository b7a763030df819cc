import { iptablesArgs } from './iptables-args.js'
import { type ObservedChain, type ObservedTable, optionValue, targetOf, type ObservedRules } from './iptables-save.js'
import { type Link, type RuleSet } from './rule-set.js'

/** Targets that end a packet's way through a chain before it comes to our jump. Refusals are not among them. */
const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'RETURN', 'DNAT', 'REDIRECT', 'NETMAP', 'NFQUEUE'])

const ACCEPTANCES: ReadonlySet<string> = new Set(['ACCEPT', 'NFQUEUE'])

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
  return targetsAbove(chain, args, observed, ownChains).some(
    target => VERDICTS.has(target) || (staysAbove === 'acceptance' && accepts(target, observed)),
  )
}

/**
 * The chains of other programs that decide whether our links are bypassed, as `table chain`: those that rules above a link lead to,
 * where the link must stand above rules that accept packets.
 */
export function chainsAboveLinks({ family, tables }: RuleSet, observed: ObservedRules): Set<string> {
  const found = new Set<string>()
  for (const [name, { links, chains }] of tables) {
    const table = observed.get(name)
    if (table === undefined) continue
    for (const { chain, staysAbove, rule } of links) {
      if (staysAbove !== 'acceptance') continue
      for (const target of targetsAbove(chain, iptablesArgs(rule, family), table, chains))
        for (const reached of reachableChains(target, table)) found.add(`${name} ${reached}`)
    }
  }
  return found
}

/** Where the rules of other programs above a link send new connections. A missing link is added above all of them. */
function targetsAbove(
  chain: string,
  args: readonly string[],
  observed: ObservedTable,
  ownChains: Pick<ReadonlySet<string>, 'has'>,
): string[] {
  const text = args.join(' ')
  const rules = observed.get(chain) ?? []
  const place = rules.findIndex(rule => rule.join(' ') === text)
  return newConnectionTargets(rules.slice(0, Math.max(0, place))).filter(target => !ownChains.has(target))
}

/** A chain, if it exists, and all chains that it sends new connections to. */
function reachableChains(start: string, observed: ObservedTable): Set<string> {
  const found = new Set(observed.has(start) ? [start] : [])
  // A set also goes through what is added meanwhile.
  for (const chain of found)
    for (const target of newConnectionTargets(observed.get(chain)!)) if (observed.has(target)) found.add(target)
  return found
}

/** Whether a chain, or one that it leads to, accepts packets. */
function accepts(start: string, observed: ObservedTable): boolean {
  return [...reachableChains(start, observed)].some(chain =>
    newConnectionTargets(observed.get(chain)!).some(target => ACCEPTANCES.has(target)),
  )
}

function newConnectionTargets(rules: ObservedChain): string[] {
  return rules.filter(rule => !isForKnownConnections(rule)).flatMap(rule => targetOf(rule) ?? [])
}

/** Firewalls begin with such a rule. It sees no new connection, and our links see nothing else. */
function isForKnownConnections(rule: readonly string[]): boolean {
  const states = optionValue(rule, '--ctstate') ?? optionValue(rule, '--state')
  if (states === undefined || rule.includes('!')) return false
  return states.split(',').every(state => state === 'ESTABLISHED' || state === 'RELATED')
}
