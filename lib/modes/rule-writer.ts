import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { ruleDiff } from '../netfilter/rule-diff.js'
import { type ChainOwners, SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { chainBatches } from '../netfilter/chain-batches.js'
import { type RestoreInput, observedAfter, removalInput, restoreInput } from '../netfilter/iptables-restore.js'
import { type RuleSet, allChains } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { removeStaleChains } from './remove-stale-chains.js'
import { type ProgramReport } from './proxier.js'

/** Makes tables of one IP family what they are to be, and remembers what they are. */
export class RuleWriter {
  readonly family: IpFamily
  readonly #iptables: Iptables
  readonly #tables: readonly string[]
  readonly #chainOwners: ChainOwners
  readonly #log: Log
  /** What the kernel's rules are, as far as we know: what was read, or, once that was `#written`, what it says of others. */
  #observed: ObservedRules = new Map()
  /** What is there of ours; undefined: what was read. */
  #lastWritten: RuleSet | undefined
  /** The tables as they were read when nothing was to be done. */
  #lastGood: readonly unknown[] = []
  #lastRead: ObservedRules | undefined
  /** What was there before we wrote anything, until that of other modes is gone. */
  #initialRead: ObservedRules | undefined
  #ruleCounts: ProgramReport['rules'] = []

  constructor(iptables: Iptables, tables: readonly string[], chainOwners: ChainOwners, log: Log) {
    this.family = iptables.family
    this.#iptables = iptables
    this.#tables = tables
    this.#chainOwners = chainOwners
    this.#log = log
  }

  /** Reads what is there, which the next write starts from. @throws ProxyFailure */
  async read(): Promise<ObservedRules> {
    this.#initialRead = await this.#iptables.read(this.#tables)
    return this.#setObserved(this.#initialRead)
  }

  /**
   * Reads, and says whether the tables are those that were found to be right before: reading gives the same objects while
   * nothing changes. @throws ProxyFailure
   */
  async check(): Promise<boolean> {
    const read = await this.#iptables.read(this.#tables)
    if (this.#lastGood.length > 0 && this.#tables.every((table, index) => read.get(table) === this.#lastGood[index]))
      return true
    this.#setObserved(read)
    return false
  }

  #setObserved(read: ObservedRules): ObservedRules {
    this.#observed = read
    this.#lastRead = read
    this.#lastWritten = undefined
    return read
  }

  /** Whether there were rules of other modes, and still are. */
  get hasOtherModes(): boolean {
    return this.#initialRead !== undefined && staleChains(this.#initialRead, this.#chainOwners).size > 0
  }

  /**
   * Takes away what other modes have left in these tables, once the rules of this one stand. Costs nothing where the first
   * read showed nothing of them. @throws ProxyFailure when it could not be done; to be called again then
   */
  async removeOtherModes(): Promise<void> {
    if (this.hasOtherModes && (await removeStaleChains(this.#iptables, this.#chainOwners)))
      this.#log.info(0, 'Removed the rules of another mode', { family: this.family })
    // Of a large cluster it is tens of thousands of chains, not to be gone through with every write.
    this.#initialRead = undefined
  }

  /** What is reported when there was nothing to write. */
  get unchangedReport(): ProgramReport {
    return { changed: false, rules: this.#ruleCounts }
  }

  /**
   * Writes what differs, all or nothing: new groups of chains may be there before, but nothing leads to them.
   * @throws ProxyFailure when it could not be written; what was there is then still in force
   */
  async write(rules: RuleSet): Promise<ProgramReport> {
    const read = this.#lastRead
    this.#lastRead = undefined
    const inputs = this.#computeInputs(rules)
    if (inputs.length > 0) {
      for (const { text } of inputs) {
        if (this.#log.enabled(5)) this.#log.info(5, 'Restoring iptables rules', { family: this.family, rules: text })
        await this.#iptables.restore(text)
      }
      this.#observed = new Map()
      this.#lastGood = []
    } else {
      if (read !== undefined) this.#observed = foreignChains(read, rules)
      this.#lastGood = read === undefined ? [] : this.#tables.map(table => read.get(table))
    }
    this.#lastWritten = rules
    this.#ruleCounts = this.#tables.map(table => ({ table, owned: countRules(rules, table), written: 0 }))
    return {
      changed: inputs.length > 0,
      rules: this.#ruleCounts.map(count => ({ ...count, written: countWritten(inputs, count.table) })),
    }
  }

  /** In our own objects most of the comparison is one of references. */
  #computeInputs(rules: RuleSet): RestoreInput[] {
    const [desired, observed] = this.#selectDifferences(rules)
    const batches = chainBatches(desired, observed, this.#iptables.maxChainsPerRestore)
    return [...batches.inputs, restoreInput(desired, batches.observed)].filter(({ text }) => text !== '')
  }

  #selectDifferences(rules: RuleSet): readonly [RuleSet, ObservedRules] {
    if (this.#lastWritten === undefined) return [rules, this.#observed]
    const [desired, previous] = ruleDiff(rules, this.#lastWritten)
    return [desired, observedAfter(previous, this.#observed)]
  }
}

/** What was read of chains that are not ours. */
function foreignChains(read: ObservedRules, { tables }: RuleSet): ObservedRules {
  return new Map(
    [...tables].map(([name, table]) => {
      const foreign = new Map(read.get(name))
      for (const [chain] of allChains(table)) foreign.delete(chain)
      return [name, foreign]
    }),
  )
}

function countWritten(inputs: readonly RestoreInput[], table: string): number {
  return inputs.reduce((sum, { ruleCounts }) => sum + (ruleCounts.get(table) ?? 0), 0)
}

function countRules({ tables }: RuleSet, name: string): number {
  const table = tables.get(name)
  if (table === undefined) return 0
  const { chains, groups = [], links } = table
  const own = [...chains.values()].reduce((sum, rules) => sum + rules.length, links.length)
  return groups.reduce((sum, { ruleCount }) => sum + ruleCount, own)
}

/**
 * The inputs of iptables-restore that let the rules of one mode take over from what is there, to be restored one after the
 * other: first the rules themselves; once they stand, those of other modes go.
 *
 * @param maxChainsPerRestore with no more new chains than these, one input is enough for the rules
 */
export function takeOverInputs(
  rules: RuleSet,
  observed: ObservedRules,
  chainOwners: ChainOwners,
  maxChainsPerRestore: number,
): string[] {
  const batches = chainBatches(rules, observed, maxChainsPerRestore)
  const inputs = [...batches.inputs, restoreInput(rules, batches.observed)].map(({ text }) => text)
  return [...inputs, removalInput(staleChains(observed, chainOwners), observed, SHARED_CHAINS)].filter(
    text => text !== '',
  )
}
