import { messageOf, ProxyFailure } from '../model/failure.js'
import { type RuleInTable, ruleKind } from '../netfilter/rule-kind.js'
import { type Rule } from '../netfilter/rule-set.js'
import { typicalRule } from '../netfilter/typical-rule.js'
import { type Iptables } from '../system/iptables.js'
import { isolateRefused } from './isolate-refused.js'
import { type ProbeRules, tryRules } from './probe-rules.js'

/**
 * Why something is left out of the rules: the kernel refuses every rule of this kind, for example because it lacks a module; or one of
 * its rules; or it was refused together with others, and which of them it is was not found yet.
 */
export const REFUSAL_CAUSES = ['kind', 'rule', 'unresolved'] as const
/** One of them. */
export type RefusalCause = (typeof REFUSAL_CAUSES)[number]

/** Why something is left out, and the message of the kernel. */
export interface Refusal {
  readonly cause: RefusalCause
  readonly reason: string
}

/** How many service ports are left out, by cause. */
export type RefusalCounts = Readonly<Record<RefusalCause, number>>

/** Whether a write failed because of what it contained. Else another attempt may succeed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ProxyFailure && error.code === 'IPTABLES_RESTORE_FAILED'
}

/** What is written or left out as a whole: a service port, or one of its addresses. */
export interface RuleOwner {
  /** The same object for the same rules. */
  readonly owner: object
  readonly getRules: () => Iterable<RuleInTable>
}

/** A kind of rules that the kernel refuses. */
interface RefusedKind {
  readonly sample: RuleInTable
  readonly reason: string
}

/** The most groups of rules that one search tries. Finding one of 10,000 service ports takes at most 29. */
const MAX_PROBES = 100

/**
 * Finds out which rules the kernel refuses, and remembers them: whole kinds of rules, for example because it lacks a module, and rules
 * of single owners. So the others can be served: a write is applied as a whole or not at all.
 */
export class RefusedRules {
  readonly #iptables: Iptables
  #kinds: ReadonlyMap<string, RefusedKind> = new Map()
  /** A kernel that has a module keeps it. */
  readonly #acceptedKinds = new Set<string>()
  readonly #kindsOf = new WeakMap<object, ReadonlySet<string>>()
  /** An owner that changes is another object, and so is tried again. */
  #owners = new WeakMap<object, Refusal>()

  constructor(iptables: Iptables) {
    this.#iptables = iptables
  }

  /** @returns why the kernel refuses one of the rules; undefined if it is not known to refuse any */
  refusalOf({ owner, getRules }: RuleOwner): Refusal | undefined {
    const own = this.#owners.get(owner)
    if (own !== undefined || this.#kinds.size === 0) return own
    for (const kind of this.#kindsIn(owner, getRules)) {
      const refused = this.#kinds.get(kind)
      if (refused !== undefined) return { cause: 'kind', reason: refused.reason }
    }
    return undefined
  }

  /**
   * Finds the owners whose rules the kernel refuses, by writing and removing rules.
   * @param suspects the owners that no successful write has contained
   * @param others all other owners; tried if no suspect is refused
   * @returns whether it found any
   * @throws ProxyFailure if rules could not be tried
   */
  async search(suspects: readonly RuleOwner[], others: readonly RuleOwner[]): Promise<boolean> {
    return (await this.#isolate(suspects)) || (await this.#isolate(others))
  }

  /**
   * Tries again what is refused.
   * @param leftOut the owners that were left out of the last write
   * @returns whether the kernel accepts some of it now
   * @throws ProxyFailure if rules could not be tried
   */
  async recheck(leftOut: readonly RuleOwner[]): Promise<boolean> {
    const before = leftOut.filter(each => this.refusalOf(each) !== undefined).length
    const kinds = new Map<string, RefusedKind>()
    for (const [kind, { sample }] of this.#kinds) {
      const reason = await this.#tryKind(sample)
      if (reason !== undefined) kinds.set(kind, { sample, reason })
    }
    this.#kinds = kinds
    const owners = this.#owners
    this.#owners = new WeakMap()
    try {
      await this.#isolate(leftOut.filter(({ owner }) => owners.has(owner)))
    } catch (error) {
      this.#owners = owners
      throw error
    }
    return leftOut.filter(each => this.refusalOf(each) !== undefined).length < before
  }

  async #isolate(owners: readonly RuleOwner[]): Promise<boolean> {
    let hasFound = false
    const unresolved = await isolateRefused(owners, {
      probe: some => this.#tryOwners(some),
      onFound: async (item, reason) => {
        hasFound = true
        if (!(await this.#findKinds(item))) this.#owners.set(item.owner, { cause: 'rule', reason })
      },
      isExplained: item => this.refusalOf(item) !== undefined,
      maxProbes: MAX_PROBES,
    })
    for (const { items, reason } of unresolved)
      for (const { owner } of items) this.#owners.set(owner, { cause: 'unresolved', reason })
    return hasFound || unresolved.length > 0
  }

  /** Remembers the kinds of these rules that the kernel refuses. @returns whether there are any */
  async #findKinds({ getRules }: RuleOwner): Promise<boolean> {
    const found = new Map<string, RefusedKind>()
    for (const sample of getRules()) {
      const kind = ruleKind(sample)
      if (this.#acceptedKinds.has(kind) || found.has(kind)) continue
      const reason = await this.#tryKind(sample)
      if (reason === undefined) this.#acceptedKinds.add(kind)
      else found.set(kind, { sample, reason })
    }
    this.#kinds = new Map([...this.#kinds, ...found])
    return found.size > 0
  }

  #tryKind([table, rule]: RuleInTable): Promise<string | undefined> {
    return this.#tryRules(new Map([[table, [typicalRule(rule, this.#iptables.family)]]]))
  }

  #tryOwners(owners: readonly RuleOwner[]): Promise<string | undefined> {
    const rules = new Map<string, Rule[]>()
    for (const { getRules } of owners)
      for (const [table, rule] of getRules()) {
        const ofTable = rules.get(table)
        if (ofTable === undefined) rules.set(table, [withoutJump(rule)])
        else ofTable.push(withoutJump(rule))
      }
    return this.#tryRules(rules)
  }

  /** @throws ProxyFailure if the kernel could not try them, and another attempt may succeed */
  async #tryRules(rules: ProbeRules): Promise<string | undefined> {
    try {
      await tryRules(rules, this.#iptables)
      return undefined
    } catch (error) {
      if (isRefusal(error)) return messageOf(error)
      throw error
    }
  }

  #kindsIn(owner: object, getRules: RuleOwner['getRules']): ReadonlySet<string> {
    const kinds = this.#kindsOf.get(owner) ?? new Set([...getRules()].map(ruleKind))
    this.#kindsOf.set(owner, kinds)
    return kinds
  }
}

/** The chain that a rule jumps to may not exist. */
function withoutJump(rule: Rule): Rule {
  return rule.target.kind === 'jump' ? { ...rule, target: { kind: 'RETURN' } } : rule
}
