import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type FoundRules } from '../rules/found-rules.js'
import { differingParts } from '../rules/differing-parts.js'
import { chainsToRemove } from '../rules/chains-to-remove.js'
import { groupPortions } from '../rules/group-portions.js'
import { type RestoreText, asFound, restoreText } from '../rules/restore-text.js'
import { type RuleSet, allChains } from '../rules/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { leaveModes } from './leave-modes.js'
import { type ProgramReport } from './proxier.js'

/** Makes tables of one IP family what they are to be, and remembers what they are. */
export class RuleWriter {
  readonly family: IpFamily
  readonly #iptables: Iptables
  readonly #tables: readonly string[]
  readonly #log: Log
  /** What the kernel's rules are, as far as we know: what was read, or, once that was `#written`, what it says of others. */
  #found: FoundRules = new Map()
  /** What is there of ours; undefined: what was read. */
  #written: RuleSet | undefined
  /** The tables as they were read when nothing was to be done. */
  #right: readonly unknown[] = []
  #lastRead: FoundRules | undefined
  /** What was there before we wrote anything, until that of other modes is gone. */
  #firstRead: FoundRules | undefined
  #counts: ProgramReport['rules'] = []

  constructor(iptables: Iptables, tables: readonly string[], log: Log) {
    this.family = iptables.family
    this.#iptables = iptables
    this.#tables = tables
    this.#log = log
  }

  /** Reads what is there, which the next write starts from. @throws ProxyFailure */
  async read(): Promise<FoundRules> {
    this.#firstRead = await this.#iptables.read(this.#tables)
    return this.#take(this.#firstRead)
  }

  /**
   * Reads, and says whether the tables are those that were found to be right before: reading gives the same objects while
   * nothing changes. @throws ProxyFailure
   */
  async look(): Promise<boolean> {
    const read = await this.#iptables.read(this.#tables)
    if (this.#right.length > 0 && this.#tables.every((table, index) => read.get(table) === this.#right[index]))
      return true
    this.#take(read)
    return false
  }

  #take(read: FoundRules): FoundRules {
    this.#found = read
    this.#lastRead = read
    this.#written = undefined
    return read
  }

  /** Whether there were rules of other modes, and still are. */
  foundOtherModes(kept: ProxyMode): boolean {
    return this.#firstRead !== undefined && chainsToRemove(this.#firstRead, kept).size > 0
  }

  /**
   * Takes away what other modes have left in these tables, once the rules of this one stand. Costs nothing where the first
   * read showed nothing of them. @throws ProxyFailure when it could not be done; to be called again then
   */
  async leaveOtherModes(kept: ProxyMode): Promise<void> {
    if (this.foundOtherModes(kept) && (await leaveModes(this.#iptables, kept)))
      this.#log.info(0, 'Removed the rules of another mode', { family: this.family })
    // Of a large cluster it is tens of thousands of chains, not to be gone through with every write.
    this.#firstRead = undefined
  }

  /** What is reported when there was nothing to write. */
  get unchanged(): ProgramReport {
    return { changed: false, rules: this.#counts }
  }

  /**
   * Writes what differs, all or nothing: new groups of chains may be there before, but nothing leads to them.
   * @throws ProxyFailure when it could not be written; what was there is then still in force
   */
  async write(rules: RuleSet): Promise<ProgramReport> {
    const read = this.#lastRead
    this.#lastRead = undefined
    const texts = this.#difference(rules)
    if (texts.length > 0) {
      for (const { text } of texts) {
        if (this.#log.enabled(5)) this.#log.info(5, 'Restoring iptables rules', { family: this.family, rules: text })
        await this.#iptables.restore(text)
      }
      this.#found = new Map()
      this.#right = []
    } else {
      if (read !== undefined) this.#found = othersIn(read, rules)
      this.#right = read === undefined ? [] : this.#tables.map(table => read.get(table))
    }
    this.#written = rules
    this.#counts = this.#tables.map(table => ({ table, owned: countRules(rules, table), written: 0 }))
    return {
      changed: texts.length > 0,
      rules: this.#counts.map(count => ({ ...count, written: countWritten(texts, count.table) })),
    }
  }

  /** In our own objects most of the comparison is one of references. */
  #difference(rules: RuleSet): RestoreText[] {
    const [wanted, found] = this.#compared(rules)
    const portions = groupPortions(wanted, found, this.#iptables.chainsAtOnce)
    return [...portions.texts, restoreText(wanted, portions.found)].filter(({ text }) => text !== '')
  }

  #compared(rules: RuleSet): readonly [RuleSet, FoundRules] {
    if (this.#written === undefined) return [rules, this.#found]
    const [wanted, before] = differingParts(rules, this.#written)
    return [wanted, asFound(before, this.#found)]
  }
}

/** What was read of chains that are not ours. */
function othersIn(read: FoundRules, { tables }: RuleSet): FoundRules {
  return new Map(
    [...tables].map(([name, table]) => {
      const others = new Map(read.get(name))
      for (const [chain] of allChains(table)) others.delete(chain)
      return [name, others]
    }),
  )
}

function countWritten(texts: readonly RestoreText[], table: string): number {
  return texts.reduce((sum, { written }) => sum + (written.get(table) ?? 0), 0)
}

function countRules({ tables }: RuleSet, name: string): number {
  const table = tables.get(name)
  if (table === undefined) return 0
  const { chains, groups = [], links } = table
  const own = [...chains.values()].reduce((sum, rules) => sum + rules.length, links.length)
  return groups.reduce((sum, { ruleCount }) => sum + ruleCount, own)
}
