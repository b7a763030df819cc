import { type FoundChain, type FoundRules, type FoundTable, targetOf } from './found-rules.js'
import { type RuleSet, type TableRules, allChains } from './rule-set.js'
import { chainWords, ruleWords } from './rule-words.js'
import { sameItems } from './same-items.js'

/** Text for `iptables-restore --noflush`, and how many rules it carries per table. Empty text: nothing to do. */
export interface RestoreText {
  readonly text: string
  readonly written: ReadonlyMap<string, number>
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
export function restoreText(wanted: RuleSet, found: FoundRules): RestoreText {
  const written = new Map<string, number>()
  let text = ''
  for (const [name, table] of wanted.tables) {
    const { declarations, rules } = tableLines(table, wanted, found.get(name))
    const { emptied, deleted } = unwantedChains(table, found.get(name))
    const lines = [...declarations, ...emptied, ...rules, ...deleted]
    if (lines.length === 0) continue
    written.set(name, rules.length)
    text += [`*${name}`, ...lines, 'COMMIT', ''].join('\n')
  }
  return { text, written }
}

/**
 * What a read would find after a successful write of the wanted rules, as far as it concerns us.
 * @param read what was read, where that needed no write: then what it says of others is kept
 */
export function asFound(wanted: RuleSet, read: FoundRules = new Map()): FoundRules {
  return new Map(
    [...wanted.tables].map(([name, ofTable]) => {
      const table = new Map(read.get(name))
      for (const [chain, rules] of allChains(ofTable)) table.set(chain, chainWords(rules, wanted.family))
      for (const { chain, rule } of ofTable.links) {
        const words = ruleWords(rule, wanted.family)
        const others = table.get(chain) ?? []
        if (!others.some(other => sameItems(other, words))) table.set(chain, [...others, words])
      }
      return [name, table]
    }),
  )
}

function tableLines(table: TableRules, { family }: RuleSet, found: FoundTable | undefined) {
  const declarations: string[] = []
  const rules: string[] = []
  for (const [chain, chainRules] of allChains(table)) {
    const words = chainWords(chainRules, family)
    if (sameWords(found?.get(chain), words)) continue
    declarations.push(`:${chain} - [0:0]`)
    for (const ofRule of words) rules.push(`-A ${chain} ${line(ofRule)}`)
  }
  for (const { chain, position, rule, makesChain } of table.links) {
    if (makesChain === true && found?.has(chain) !== true) declarations.push(`:${chain} - [0:0]`)
    const text = line(ruleWords(rule, family))
    if (found?.get(chain)?.some(words => line(words) === text) === true) continue
    rules.push(position === 'first' ? `-I ${chain} 1 ${text}` : `-A ${chain} ${text}`)
  }
  return { declarations, rules }
}

function sameWords(found: FoundChain | undefined, wanted: FoundChain): boolean {
  if (found === wanted) return true
  return found?.length === wanted.length && found.every((words, index) => sameItems(words, wanted[index]!))
}

function unwantedChains(table: TableRules, found: FoundTable = new Map()) {
  const { ownedPrefixes = [] } = table
  const emptied: string[] = []
  const deleted: string[] = []
  const owned = [...found.keys()].filter(chain => ownedPrefixes.some(prefix => chain.startsWith(prefix)))
  if (owned.length === 0) return { emptied, deleted }
  const chains = table.groups === undefined ? table.chains : new Map(allChains(table))
  const unwanted = new Set(owned.filter(chain => !chains.has(chain)))
  if (unwanted.size === 0) return { emptied, deleted }
  const heldByOthers = new Set<string | undefined>()
  for (const [chain, rules] of found)
    if (!chains.has(chain) && !unwanted.has(chain)) for (const words of rules) heldByOthers.add(targetOf(words))
  for (const chain of unwanted) {
    if (!heldByOthers.has(chain)) deleted.push(`-X ${chain}`)
    else if (found.get(chain)?.length === 0) continue
    emptied.push(`:${chain} - [0:0]`)
  }
  return { emptied, deleted }
}

/**
 * The text that removes chains, with every rule anywhere that leads to them, from what was found. Chains and rules are
 * recognised by the chain names alone, so this also finds what another version wrote.
 * @param shared of these chains those that others lead to stay as they are
 */
export function removalText(
  chains: ReadonlyMap<string, readonly string[]>,
  found: FoundRules,
  shared: ReadonlySet<string> = new Set(),
): string {
  let text = ''
  for (const [name, ours] of chains) {
    const table = found.get(name)
    if (table === undefined) continue
    const all = new Set(ours)
    const present = ours.filter(chain => table.has(chain) && !(shared.has(chain) && isUsedOutside(table, chain, all)))
    const names = new Set(present)
    if (present.length === 0) continue
    const links: string[] = []
    for (const [chain, rules] of table) {
      if (names.has(chain)) continue
      for (const words of rules) if (names.has(targetOf(words) ?? '')) links.push(`-D ${chain} ${line(words)}`)
    }
    const flush = present.map(chain => `:${chain} - [0:0]`)
    text += [`*${name}`, ...flush, ...links, ...present.map(chain => `-X ${chain}`), 'COMMIT', ''].join('\n')
  }
  return text
}

function isUsedOutside(table: FoundTable, chain: string, ours: ReadonlySet<string>): boolean {
  return [...table].some(([name, rules]) => !ours.has(name) && rules.some(words => targetOf(words) === chain))
}

/** What needs no quotes. */
const PLAIN = /^[A-Za-z0-9_./:+@%,!-]+$/

function line(words: readonly string[]): string {
  // Nearly all lines need none, and to ask once for a line is several times cheaper than for each word.
  const isPlain = PLAIN.test(words.join('')) && !words.includes('')
  return (isPlain ? words : words.map(quoted)).join(' ')
}

function quoted(word: string): string {
  return PLAIN.test(word) ? word : `"${word.replace(/(["\\])/g, '\\$1')}"`
}
