import { type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ObservedRules } from '../netfilter/iptables-save.js'
import { chainsAboveLinks } from '../netfilter/is-bypassed.js'
import { ruleDiff } from '../netfilter/rule-diff.js'
import { type ChainOwners, SHARED_CHAINS, staleChains } from '../netfilter/stale-chains.js'
import { chainBatches } from '../netfilter/chain-batches.js'
import { type RestoreInput, observedAfter, removalInput, restoreInput } from '../netfilter/iptables-restore.js'
import { type RuleSet, allChains } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { LinkMoves } from './link-moves.js'
import { removeStaleChains } from './remove-stale-chains.js'
import { type ProgramReport } from './proxier.js'

/** Milliseconds for which rules are trusted without reading them, even if no change by another program was noticed. */
const MAX_READ_AGE_MS = 600_000

/** Writes the rules of one IP family, and remembers what the kernel has, so that later writes contain only differences. */
export class RuleWriter {
  readonly family: IpFamily
  readonly #iptables: Iptables
  readonly #tables: readonly string[]
  readonly #chainOwners: ChainOwners
  readonly #log: Log
  /** The rules in the kernel at the last read; after a write, only those of chains that this mode does not own. */
  #observed: ObservedRules = new Map()
  /** The rules of the last write; undefined if the kernel was read after it. */
  #lastWritten: RuleSet | undefined
  /** The rules of the last write; undefined before the first one. */
  #expected: RuleSet | undefined
  /** The tables as they were read when no write was necessary. */
  #lastGood: readonly unknown[] = []
  /** The last read, until a write uses it. */
  #lastRead: ObservedRules | undefined
  /** The rules before the first write, until those of other modes are removed. */
  #initialRead: ObservedRules | undefined
  #ruleCounts: ProgramReport['rules'] = []
  readonly #clock: Pick<Clock, 'now'>
  readonly #linkMoves: LinkMoves
  /** The number of changes by other programs when the rules were last read; undefined if it was unknown. */
  #changesAtRead: number | undefined
  /** Milliseconds of the clock. */
  #readAt = 0
  /** Whether the kernel has had the rules of the last write since, apart from changes by other programs. */
  #isWritten = false
  /** Whether the last write left links bypassed by rules of other programs. */
  #isBypassed = false

  constructor(
    iptables: Iptables,
    tables: readonly string[],
    chainOwners: ChainOwners,
    log: Log,
    clock: Pick<Clock, 'now'> = realClock,
  ) {
    this.family = iptables.family
    this.#iptables = iptables
    this.#tables = tables
    this.#chainOwners = chainOwners
    this.#log = log
    this.#clock = clock
    this.#linkMoves = new LinkMoves(clock, log)
  }

  /** Reads the rules that the next write starts from. @throws ProxyFailure */
  async read(): Promise<ObservedRules> {
    this.#initialRead = await this.#readTables()
    return this.#setObserved(this.#initialRead)
  }

  async #readTables(): Promise<ObservedRules> {
    // Before the read: a change during the read may be in it or not.
    const changes = this.#iptables.foreignChanges?.()
    this.#changesAtRead = undefined
    const read = await this.#iptables.read(this.#tables)
    this.#changesAtRead = changes
    this.#readAt = this.#clock.now()
    return read
  }

  /** Whether the rules are unchanged for certain, without reading them. */
  get #areSurelyUnchanged(): boolean {
    const changes = this.#iptables.foreignChanges?.()
    const isRecent = this.#clock.now() - this.#readAt < MAX_READ_AGE_MS
    return changes !== undefined && changes === this.#changesAtRead && isRecent && this.#isWritten
  }

  /**
   * Reads the tables, unless it is known that no other program has changed them, and compares them with those that were correct
   * before. A read returns the same objects while nothing changes.
   * @returns whether they are unchanged; false if that is unknown
   * @throws ProxyFailure
   */
  async check(): Promise<boolean> {
    const mustMoveLinks = this.#isBypassed && this.#linkMoves.areAllowed
    if (!mustMoveLinks && this.#areSurelyUnchanged) return true
    const read = await this.#readTables()
    const isUnchanged =
      this.#lastGood.length > 0 && this.#tables.every((table, index) => read.get(table) === this.#lastGood[index])
    if (isUnchanged && !mustMoveLinks) return true
    this.#setObserved(read)
    return false
  }

  #setObserved(read: ObservedRules): ObservedRules {
    this.#observed = read
    this.#lastRead = read
    this.#lastWritten = undefined
    this.#isWritten = false
    return read
  }

  /** Whether there are rules of other modes. */
  get hasOtherModes(): boolean {
    return this.#initialRead !== undefined && staleChains(this.#initialRead, this.#chainOwners).size > 0
  }

  /**
   * Removes the chains of other modes; call it when the rules of this mode are written. It costs nothing if the first read showed
   * no chain of another mode.
   * @throws ProxyFailure if that failed; call it again then
   */
  async removeOtherModes(): Promise<void> {
    if (this.hasOtherModes && (await removeStaleChains(this.#iptables, this.#chainOwners)))
      this.#log.info(0, 'Removed the rules of another mode', { family: this.family })
    // In a large cluster these are tens of thousands of chains, too many to search at every write.
    this.#initialRead = undefined
  }

  /** The report if there was nothing to write. */
  get unchangedReport(): ProgramReport {
    return { changed: false, rules: this.#ruleCounts }
  }

  /**
   * Writes the differences. Large sets of new chains are written before; no rule jumps to them until the last input, which
   * iptables-restore applies as a whole or not at all.
   * @throws ProxyFailure if the write failed; the old rules are still in force then
   */
  async write(rules: RuleSet): Promise<ProgramReport> {
    const read = this.#lastRead
    this.#lastRead = undefined
    this.#isWritten = false
    if (read !== undefined) this.#iptables.watchAlso?.(chainsAboveLinks(rules, read))
    const movesLinks = this.#linkMoves.areAllowed
    const inputs = this.#computeInputs(rules, movesLinks)
    const bypassed = inputs.flatMap(input => input.bypassed)
    this.#linkMoves.record(this.family, bypassed, movesLinks)
    this.#isBypassed = bypassed.length > 0 && !movesLinks
    const texts = inputs.map(({ text }) => text).filter(text => text !== '')
    const isRepair = texts.length > 0 && read !== undefined && this.#isDamaged(read, rules, movesLinks)
    if (texts.length > 0) {
      for (const text of texts) {
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
    this.#expected = rules
    this.#isWritten = true
    this.#ruleCounts = this.#tables.map(table => ({ table, owned: countRules(rules, table), written: 0 }))
    return {
      changed: texts.length > 0,
      isRepair,
      rules: this.#ruleCounts.map(count => ({ ...count, written: countWritten(inputs, count.table) })),
    }
  }

  /**
   * Whether the kernel lacks something of the last write, and not only of this one.
   * @param rules of this write, which needs a change
   */
  #isDamaged(read: ObservedRules, rules: RuleSet, movesLinks: boolean): boolean {
    if (this.#expected === undefined || this.#expected === rules) return true
    return restoreInput(this.#expected, read, movesLinks).text !== ''
  }

  /** The inputs of iptables-restore that make the kernel's rules the desired ones. */
  #computeInputs(rules: RuleSet, movesLinks: boolean): RestoreInput[] {
    const [desired, observed] = this.#selectDifferences(rules)
    const batches = chainBatches(desired, observed, this.#iptables.maxChainsPerRestore)
    return [...batches.inputs, restoreInput(desired, batches.observed, movesLinks)]
  }

  /** Drops what is equal by reference in the last write, so that the comparison of texts is short. */
  #selectDifferences(rules: RuleSet): readonly [RuleSet, ObservedRules] {
    if (this.#lastWritten === undefined) return [rules, this.#observed]
    const [desired, previous] = ruleDiff(rules, this.#lastWritten)
    return [desired, observedAfter(previous, this.#observed)]
  }
}

/** The observed chains that these rules do not contain. */
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
 * The inputs of iptables-restore that let the rules of one mode take over, in their order: first the rules of this mode, then the
 * removal of the chains of other modes.
 *
 * @param maxChainsPerRestore the most new chains that one input may contain
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
