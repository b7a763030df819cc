import { type ObservedChain, type ObservedRules, type ObservedTable, targetOf } from './iptables-save.js'
import { type RuleSet, type TableRules, allChains } from './rule-set.js'
import { chainArgs, iptablesArgs } from './iptables-args.js'
import { sameItems } from '../primitives/reuse-equal.js'

/** Text for `iptables-restore --noflush`, and how many rules it carries per table. Empty text: nothing to do. */
export interface RestoreInput {
  readonly text: string
  readonly ruleCounts: ReadonlyMap<string, number>
}

/**
 * The text that turns what was found into what is wanted.
 *
 * Naming a chain in such a text empties it first, so each chain of ours that differs is written whole, and rules that are
 * not wanted any more disappear with it; one that is right is not mentioned. In chains of others there is only our link,
 * put first where it is missing. Nothing else of theirs is ever named. All of it happens at once, or not at all.
 *
 * Chains that are ours by their name and not wanted any more are emptied like the others, and at the end, when nothing of
 * ours leads to them any more, deleted. One that a rule of others leads to cannot be deleted, and stays, empty.
 */
export function restoreInput(desired: RuleSet, observed: ObservedRules): RestoreInput {
  const ruleCounts = new Map<string, number>()
  let text = ''
  for (const [name, table] of desired.tables) {
    const { declarations, rules } = tableLines(table, desired, observed.get(name))
    const { emptied, deleted } = obsoleteChains(table, observed.get(name))
    const lines = [...declarations, ...emptied, ...rules, ...deleted]
    if (lines.length === 0) continue
    ruleCounts.set(name, rules.length)
    text += [`*${name}`, ...lines, 'COMMIT', ''].join('\n')
  }
  return { text, ruleCounts }
}

/**
 * What a read would find after a successful write of the wanted rules, as far as it concerns us.
 * @param previous what was read, where that needed no write: then what it says of others is kept
 */
export function observedAfter(desired: RuleSet, previous: ObservedRules = new Map()): ObservedRules {
  return new Map(
    [...desired.tables].map(([name, ofTable]) => {
      const table = new Map(previous.get(name))
      for (const [chain, rules] of allChains(ofTable)) table.set(chain, chainArgs(rules, desired.family))
      for (const { chain, rule } of ofTable.links) {
        const args = iptablesArgs(rule, desired.family)
        const existing = table.get(chain) ?? []
        if (!existing.some(other => sameItems(other, args))) table.set(chain, [...existing, args])
      }
      return [name, table]
    }),
  )
}

function tableLines(table: TableRules, { family }: RuleSet, observed: ObservedTable | undefined) {
  const declarations: string[] = []
  const rules: string[] = []
  for (const [chain, chainRules] of allChains(table)) {
    const args = chainArgs(chainRules, family)
    if (areArgsEqual(observed?.get(chain), args)) continue
    declarations.push(`:${chain} - [0:0]`)
    for (const ofRule of args) rules.push(`-A ${chain} ${formatArgs(ofRule)}`)
  }
  for (const { chain, position, rule, createsChain } of table.links) {
    if (createsChain === true && observed?.has(chain) !== true) declarations.push(`:${chain} - [0:0]`)
    const text = formatArgs(iptablesArgs(rule, family))
    if (observed?.get(chain)?.some(args => formatArgs(args) === text) === true) continue
    rules.push(position === 'first' ? `-I ${chain} 1 ${text}` : `-A ${chain} ${text}`)
  }
  return { declarations, rules }
}

function areArgsEqual(observed: ObservedChain | undefined, desired: ObservedChain): boolean {
  if (observed === desired) return true
  return observed?.length === desired.length && observed.every((words, index) => sameItems(words, desired[index]!))
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
    if (!chains.has(chain) && !obsolete.has(chain)) for (const words of rules) referencedByOthers.add(targetOf(words))
  for (const chain of obsolete) {
    if (!referencedByOthers.has(chain)) deleted.push(`-X ${chain}`)
    else if (observed.get(chain)?.length === 0) continue
    emptied.push(`:${chain} - [0:0]`)
  }
  return { emptied, deleted }
}

/**
 * The text that removes chains, with every rule anywhere that leads to them, from what was found. Chains and rules are
 * recognised by the chain names alone, so this also finds what another version wrote.
 * @param shared of these chains those that others lead to stay as they are
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
      for (const words of rules) if (names.has(targetOf(words) ?? '')) links.push(`-D ${chain} ${formatArgs(words)}`)
    }
    const flush = present.map(chain => `:${chain} - [0:0]`)
    text += [`*${name}`, ...flush, ...links, ...present.map(chain => `-X ${chain}`), 'COMMIT', ''].join('\n')
  }
  return text
}

function isUsedByOthers(table: ObservedTable, chain: string, ownChains: ReadonlySet<string>): boolean {
  return [...table].some(([name, rules]) => !ownChains.has(name) && rules.some(words => targetOf(words) === chain))
}

/** What needs no quotes. */
const UNQUOTED = /^[A-Za-z0-9_./:+@%,!-]+$/

function formatArgs(args: readonly string[]): string {
  // Nearly all lines need none, and to ask once for a line is several times cheaper than for each word.
  const isPlain = UNQUOTED.test(args.join('')) && !args.includes('')
  return (isPlain ? args : args.map(quote)).join(' ')
}

function quote(word: string): string {
  return UNQUOTED.test(word) ? word : `"${word.replace(/(["\\])/g, '\\$1')}"`
}
