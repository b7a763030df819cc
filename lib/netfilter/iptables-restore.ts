import { type ObservedChain, type ObservedRules, type ObservedTable, targetOf } from './iptables-save.js'
import { type Link, type RuleSet, type TableRules, allChains } from './rule-set.js'
import { chainArgs, iptablesArgs } from './iptables-args.js'
import { isBypassed } from './is-bypassed.js'
import { obsoleteLinks } from './obsolete-links.js'
import { sameItems } from '../primitives/reuse-equal.js'

/** Text for `iptables-restore --noflush`, and how many rules it has per table. An empty text: nothing to change. */
export interface RestoreInput {
  readonly text: string
  readonly ruleCounts: ReadonlyMap<string, number>
  /** The links that rules of other programs bypass, as `table chain`. */
  readonly bypassed: readonly string[]
}

/**
 * The text that changes the observed rules into the desired ones. The kernel applies it completely or not at all.
 *
 * A chain that is declared in such a text is flushed first. So each chain that differs is written whole, and its old rules
 * disappear; chains that are equal are not mentioned. In chains of other programs only the link to a chain of this program is
 * added, if it is missing, or put first again, if a rule above it takes its packets; and links that other versions wrote are removed.
 * Nothing else in them is changed.
 *
 * Chains with an owned prefix that are no longer desired are flushed, and deleted at the end, when no rule of this program
 * leads to them. A chain that a rule of another program jumps to cannot be deleted, and stays empty.
 *
 * @param movesLinks whether to put bypassed links first again
 */
export function restoreInput(desired: RuleSet, observed: ObservedRules, movesLinks = true): RestoreInput {
  const ruleCounts = new Map<string, number>()
  const bypassed: string[] = []
  let text = ''
  for (const [name, table] of desired.tables) {
    const { declarations, rules, bypassedLinks } = tableLines(table, desired, observed.get(name), movesLinks)
    bypassed.push(...bypassedLinks.map(({ chain }) => `${name} ${chain}`))
    const { emptied, deleted } = obsoleteChains(table, observed.get(name))
    const lines = [...declarations, ...emptied, ...rules, ...deleted]
    if (lines.length === 0) continue
    ruleCounts.set(name, rules.length)
    text += [`*${name}`, ...lines, 'COMMIT', ''].join('\n')
  }
  return { text, ruleCounts, bypassed }
}

/**
 * The rules that a read would find after a successful write of the desired rules, as far as they matter here.
 * @param previous rules that were read before and needed no write: the chains of other programs are taken from there
 */
export function observedAfter(desired: RuleSet, previous: ObservedRules = new Map()): ObservedRules {
  return new Map(
    [...desired.tables].map(([name, desiredTable]) => {
      const table = new Map(previous.get(name))
      for (const [chain, rules] of allChains(desiredTable)) table.set(chain, chainArgs(rules, desired.family))
      for (const { chain, rule } of desiredTable.links) {
        const args = iptablesArgs(rule, desired.family)
        const existing = table.get(chain) ?? []
        if (!existing.some(other => sameItems(other, args))) table.set(chain, [...existing, args])
      }
      return [name, table]
    }),
  )
}

function tableLines(table: TableRules, { family }: RuleSet, observed: ObservedTable | undefined, movesLinks: boolean) {
  const declarations: string[] = []
  const rules: string[] = []
  const bypassedLinks: Link[] = []
  for (const [chain, chainRules] of allChains(table)) {
    const args = chainArgs(chainRules, family)
    if (areArgsEqual(observed?.get(chain), args)) continue
    declarations.push(`:${chain} - [0:0]`)
    for (const ruleArgs of args) rules.push(`-A ${chain} ${formatArgs(ruleArgs)}`)
  }
  for (const link of table.links) {
    const { chain, position, rule, createsChain } = link
    if (createsChain === true && observed?.has(chain) !== true) declarations.push(`:${chain} - [0:0]`)
    const args = iptablesArgs(rule, family)
    const text = formatArgs(args)
    if (observed?.get(chain)?.some(other => formatArgs(other) === text) === true) {
      if (!isBypassed(link, args, observed, table.chains)) continue
      bypassedLinks.push(link)
      if (!movesLinks) continue
      rules.push(`-D ${chain} ${text}`)
    }
    rules.push(position === 'first' ? `-I ${chain} 1 ${text}` : `-A ${chain} ${text}`)
  }
  if (observed !== undefined)
    for (const { chain, args } of obsoleteLinks(table, family, observed)) rules.push(`-D ${chain} ${formatArgs(args)}`)
  return { declarations, rules, bypassedLinks }
}

function areArgsEqual(observed: ObservedChain | undefined, desired: ObservedChain): boolean {
  if (observed === desired) return true
  return observed?.length === desired.length && observed.every((args, index) => sameItems(args, desired[index]!))
}

function obsoleteChains(table: TableRules, observed: ObservedTable = new Map()) {
  const { ownedPrefixes = [] } = table
  const emptied: string[] = []
  const deleted: string[] = []
  const owned = [...observed.keys()].filter(chain => ownedPrefixes.some(prefix => chain.startsWith(prefix)))
  if (owned.length === 0) return { emptied, deleted }
  const chains = table.groups === undefined ? table.chains : new Map(allChains(table))
  const obsolete = new Set(owned.filter(chain => !chains.has(chain)))
  if (obsolete.size === 0) return { emptied, deleted }
  const referencedByOthers = new Set<string | undefined>()
  for (const [chain, rules] of observed)
    if (!chains.has(chain) && !obsolete.has(chain)) for (const args of rules) referencedByOthers.add(targetOf(args))
  for (const chain of obsolete) {
    if (!referencedByOthers.has(chain)) deleted.push(`-X ${chain}`)
    else if (observed.get(chain)?.length === 0) continue
    emptied.push(`:${chain} - [0:0]`)
  }
  return { emptied, deleted }
}

/**
 * The text that removes chains, with all rules that lead to them, from the observed rules. Chains and rules are recognised by
 * chain names only, so this also removes what another version wrote.
 * @param shared these chains stay unchanged if another program has a rule that leads to them
 */
export function removalInput(
  chains: ReadonlyMap<string, readonly string[]>,
  observed: ObservedRules,
  shared: ReadonlySet<string> = new Set(),
): string {
  let text = ''
  for (const [name, ownChains] of chains) {
    const table = observed.get(name)
    if (table === undefined) continue
    const all = new Set(ownChains)
    const present = ownChains.filter(
      chain => table.has(chain) && !(shared.has(chain) && isUsedByOthers(table, chain, all)),
    )
    const names = new Set(present)
    if (present.length === 0) continue
    const links: string[] = []
    for (const [chain, rules] of table) {
      if (names.has(chain)) continue
      for (const args of rules) if (names.has(targetOf(args) ?? '')) links.push(`-D ${chain} ${formatArgs(args)}`)
    }
    const flush = present.map(chain => `:${chain} - [0:0]`)
    text += [`*${name}`, ...flush, ...links, ...present.map(chain => `-X ${chain}`), 'COMMIT', ''].join('\n')
  }
  return text
}

function isUsedByOthers(table: ObservedTable, chain: string, ownChains: ReadonlySet<string>): boolean {
  return [...table].some(([name, rules]) => !ownChains.has(name) && rules.some(args => targetOf(args) === chain))
}

/** An argument that needs no quotes. */
const UNQUOTED = /^[A-Za-z0-9_./:+@%,!-]+$/

function formatArgs(args: readonly string[]): string {
  // Nearly all lines need no quotes, and one check of the line is several times faster than a check of each argument.
  const isPlain = UNQUOTED.test(args.join('')) && !args.includes('')
  return (isPlain ? args : args.map(quote)).join(' ')
}

function quote(arg: string): string {
  return UNQUOTED.test(arg) ? arg : `"${arg.replace(/(["\\])/g, '\\$1')}"`
}
