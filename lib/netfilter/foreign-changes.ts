import { type IpFamily } from '../model/address.js'
import { KUBE_FIREWALL } from './chain-names.js'
import { parseRuleEvent, restoreFamily } from './rule-event.js'
import { type OwnedChains, owns } from './stale-chains.js'

/** Whether a change of this chain may concern the rules of this program. */
export type ConcernsUs = (table: string, chain: string) => boolean

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** The chains that this program writes to: its own, and those that have jumps to them. Those of other programs change often. */
export function concernsChainsOf(own: OwnedChains): ConcernsUs {
  return (table, chain) => own.has(table) && (BUILT_IN.has(chain) || chain === KUBE_FIREWALL || owns(own, table, chain))
}

/**
 * Counts the changes by other programs, from the lines of `xtables-monitor`. The kernel reports the changes of one program together,
 * and who made them only at their end. The process id is no help to recognise our own writes: in a container it is another one. So the
 * writes are counted: as many commits of `iptables-restore` as we have made are ours. If another program used `iptables-restore` at the
 * same moment, one of our own commits counts as its commit, and the rules are read once more than necessary.
 */
export class ForeignChanges {
  readonly #concernsUs: ConcernsUs
  readonly #counts: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 }
  /** Commits of our own that no line has reported yet. */
  readonly #expected: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 }
  readonly #touched = new Set<IpFamily>()

  constructor(concernsUs: ConcernsUs) {
    this.#concernsUs = concernsUs
  }

  /** How many changes of a family there have been. */
  count(family: IpFamily): number {
    return this.#counts[family]
  }

  /** Expects the commits of a write of our own. */
  expect(family: IpFamily, commits: number): void {
    this.#expected[family] += commits
  }

  /** Expects no more commits of our own. @returns whether some were missing: then the count has grown */
  settle(family: IpFamily): boolean {
    if (this.#expected[family] === 0) return false
    this.#expected[family] = 0
    this.#counts[family]++
    return true
  }

  /** Counts a change of unknown extent. */
  countUnknown(): void {
    this.#counts.IPv4++
    this.#counts.IPv6++
    this.#touched.clear()
  }

  /** Takes a line. @returns the families whose count has grown; undefined: the line ends no changes */
  addLine(line: string): IpFamily[] | undefined {
    const event = parseRuleEvent(line)
    if (event === undefined) return undefined
    if (event.kind === 'change') {
      if (this.#concernsUs(event.table, event.chain)) this.#touched.add(event.family)
      return undefined
    }
    const touched = [...this.#touched]
    this.#touched.clear()
    const own = restoreFamily(event.program)
    if (own !== undefined && this.#expected[own] > 0) {
      this.#expected[own]--
      return []
    }
    for (const family of touched) this.#counts[family]++
    return touched
  }
}
