import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type FoundRules } from '../rules/found-rules.js'
import { chainsToRemove } from '../rules/mode-chains.js'
import { asFound, restoreText } from '../rules/restore-text.js'
import { type RuleSet } from '../rules/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { leaveModes } from './leave-modes.js'
import { type ProgramReport } from './proxier.js'

/** Makes tables of one IP family what they are to be, and remembers what they are. */
export class RuleWriter {
  readonly family: IpFamily
  readonly #iptables: Iptables
  readonly #tables: readonly string[]
  readonly #log: Log
  /** What the kernel's rules are, as far as we know. */
  #found: FoundRules = new Map()
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
    this.#found = await this.#iptables.read(this.#tables)
    this.#lastRead = this.#found
    this.#firstRead = this.#found
    return this.#found
  }

  /**
   * Reads, and says whether the tables are those that were found to be right before: reading gives the same objects while
   * nothing changes. @throws ProxyFailure
   */
  async look(): Promise<boolean> {
    const read = await this.#iptables.read(this.#tables)
    if (this.#right.length > 0 && this.#tables.every((table, index) => read.get(table) === this.#right[index]))
      return true
    this.#found = read
    this.#lastRead = read
    return false
  }

  /**
   * Takes away what other modes have left in these tables, once the rules of this one stand. Costs nothing where the first
   * read showed nothing of them. @throws ProxyFailure when it could not be done; to be called again then
   */
  async leaveOtherModes(kept: ProxyMode): Promise<void> {
    if (this.#firstRead === undefined || chainsToRemove(this.#firstRead, kept).size === 0) return
    if (await leaveModes(this.#iptables, kept))
      this.#log.info(0, 'Removed the rules of another mode', { family: this.family })
    this.#firstRead = undefined
  }

  /** What is reported when there was nothing to write. */
  get unchanged(): ProgramReport {
    return { changed: false, rules: this.#counts }
  }

  /**
   * Writes what differs, all or nothing.
   * @throws ProxyFailure when it could not be written; what was there is then still in force
   */
  async write(rules: RuleSet): Promise<ProgramReport> {
    const { text, written } = restoreText(rules, this.#found)
    const read = this.#lastRead
    this.#lastRead = undefined
    if (text !== '') {
      if (this.#log.enabled(5)) this.#log.info(5, 'Restoring iptables rules', { family: this.family, rules: text })
      await this.#iptables.restore(text)
      this.#found = asFound(rules)
      this.#right = []
    } else {
      // What was read says the same; in our own objects the next comparison is one of references.
      this.#found = asFound(rules, this.#found)
      this.#right = read === undefined ? [] : this.#tables.map(table => read.get(table))
    }
    this.#counts = this.#tables.map(table => ({ table, owned: countRules(rules, table), written: 0 }))
    return {
      changed: text !== '',
      rules: this.#counts.map(count => ({ ...count, written: written.get(count.table) ?? 0 })),
    }
  }
}

function countRules({ tables }: RuleSet, name: string): number {
  const table = tables.get(name)
  if (table === undefined) return 0
  return [...table.chains.values()].reduce((sum, rules) => sum + rules.length, table.links.length)
}
