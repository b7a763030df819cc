import { IP_FAMILIES, type IpFamily } from '../model/address.js'
import { BUILT_IN_CHAINS, KUBE_FIREWALL } from './chain-names.js'
import { mayChangeIPv6, parseRuleEvent, restoreFamily } from './rule-event.js'
import { type OwnedChains, owns } from './stale-chains.js'

/** Whether a change of this chain may concern the rules of this program. */
export type ConcernsUs = (table: string, chain: string) => boolean

/** The chains that this program writes to: its own, and those that have jumps to them. Those of other programs change often. */
export function concernsChainsOf(own: OwnedChains): ConcernsUs {
  return (table, chain) =>
    own.has(table) && (BUILT_IN_CHAINS.has(chain) || chain === KUBE_FIREWALL || owns(own, table, chain))
}

/**
 * Counts the changes by other programs, from the lines of `xtables-monitor`. The kernel reports the changes of one program together,
 * and who made them only at their end. The process id is no help to recognise our own writes: in a container it is another one. So the
 * writes are counted: as many commits of `iptables-restore` as we have made are ours. If another program used `iptables-restore` at the
 * same moment, one of our own commits counts as its commit, and the rules are read once more than necessary.
 *
 * Only changes of IPv4 are reported. Of IPv6 it is known that a program has changed something.
 */
export class ForeignChanges {
  readonly #concernsUs: ConcernsUs
  readonly #counts: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 }
  /** Commits of our own that no line has reported yet. */
  readonly #expected: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 }
  readonly #touched = new Set<IpFamily>()
  #areUnderstood = false
  /** Chains of other programs, as `table chain`. */
  readonly #watched: Record<IpFamily, ReadonlySet<string>> = { IPv4: new Set(), IPv6: new Set() }

  constructor(concernsUs: ConcernsUs) {
    this.#concernsUs = concernsUs
  }

  /** How many changes of a family there have been. */
  count(family: IpFamily): number {
    return this.#counts[family]
  }

  /**
   * Counts changes of these chains of other programs too.
   * @param chains as `table chain`, in place of those of the last call
   * @returns whether there are new ones: their changes may have been missed, so the count has grown
   */
  watchAlso(family: IpFamily, chains: ReadonlySet<string>): boolean {
    const hasNew = [...chains].some(chain => !this.#watched[family].has(chain))
    this.#watched[family] = chains
    if (hasNew) this.#counts[family]++
    return hasNew
  }

  /** Whether a change was understood since the start, or since the last change of unknown extent. */
  get areUnderstood(): boolean {
    return this.#areUnderstood
  }

  /** Expects the commits of a write of our own. */
  expect(family: IpFamily, commits: number): void {
    this.#expected[family] += commits
  }

  /** A write of our own was refused: no commit of it will be reported, and none by another program may pass for one. */
  forgetExpected(family: IpFamily): void {
    this.#expected[family] = 0
  }

  /** Expects no more commits of our own. @returns whether some were missing: then the count has grown */
  settle(family: IpFamily): boolean {
    if (this.#expected[family] === 0) return false
    this.#expected[family] = 0
    this.#counts[family]++
    return true
  }

  /** Counts a change of unknown extent. Commits of our own that are not reported yet never will be. */
  countUnknown(): void {
    this.#areUnderstood = false
    for (const family of IP_FAMILIES) {
      this.#counts[family]++
      this.#expected[family] = 0
    }
    this.#touched.clear()
  }

  /** Takes a line. @returns the families whose count has grown; undefined: the line ends no changes */
  addLine(line: string): IpFamily[] | undefined {
    const event = parseRuleEvent(line)
    if (event === undefined) return undefined
    if (event.kind === 'change') {
      this.#areUnderstood = true
      const { family, table, chain } = event
      if (this.#concernsUs(table, chain) || this.#watched[family].has(`${table} ${chain}`)) this.#touched.add(family)
      return undefined
    }
    const touched = [...this.#touched]
    this.#touched.clear()
    const own = restoreFamily(event.program)
    if (own !== undefined && this.#expected[own] > 0) {
      this.#expected[own]--
      return []
    }
    // The changes of IPv6 themselves are not reported.
    if (mayChangeIPv6(event.program) && !touched.includes('IPv6')) touched.push('IPv6')
    for (const family of touched) this.#counts[family]++
    return touched
  }
}
