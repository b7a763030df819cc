import { ProxyFailure } from '../model/failure.js'
import { type RuleInTable, ruleKind } from '../netfilter/rule-kind.js'
import { type Rule } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { probeRules } from './probe-rules.js'

/** A kind of rules that the kernel refuses. */
interface RefusedKind {
  readonly sample: RuleInTable
  readonly reason: string
}

/** Whether a write failed because of what it contained. Else another attempt may succeed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ProxyFailure && error.code === 'IPTABLES_RESTORE_FAILED'
}

/**
 * Finds out which kinds of rules the kernel refuses, for example because it lacks a module, and remembers them. So the Services that
 * need no such rule can be served: a write is applied as a whole or not at all.
 */
export class RefusedRules {
  readonly #iptables: Iptables
  #kinds: ReadonlyMap<string, RefusedKind> = new Map()
  readonly #kindsOf = new WeakMap<object, ReadonlySet<string>>()

  constructor(iptables: Iptables) {
    this.#iptables = iptables
  }

  /** Whether any kind is refused. */
  get isEmpty(): boolean {
    return this.#kinds.size === 0
  }

  /**
   * @param owner the same object for the same rules
   * @returns why the kernel refuses one of the rules; undefined if it refuses none
   */
  reasonAgainst(owner: object, getRules: () => Iterable<RuleInTable>): string | undefined {
    if (this.isEmpty) return undefined
    const kinds = this.#kindsOf.get(owner) ?? new Set([...getRules()].map(ruleKind))
    this.#kindsOf.set(owner, kinds)
    for (const kind of kinds) {
      const refused = this.#kinds.get(kind)
      if (refused !== undefined) return refused.reason
    }
    return undefined
  }

  /** Writes and removes one rule of each kind. @returns whether it found kinds that are refused and were not known */
  async search(rules: Iterable<RuleInTable>): Promise<boolean> {
    const samples = new Map<string, RuleInTable>()
    for (const rule of rules) {
      const kind = ruleKind(rule)
      if (!this.#kinds.has(kind) && !samples.has(kind)) samples.set(kind, rule)
    }
    const found = await this.#probe(samples.values())
    this.#kinds = new Map([...this.#kinds, ...found])
    return found.size > 0
  }

  /** Tries the refused kinds again. @returns whether the kernel accepts one of them now */
  async recheck(): Promise<boolean> {
    const before = this.#kinds.size
    if (before > 0) this.#kinds = await this.#probe([...this.#kinds.values()].map(({ sample }) => sample))
    return this.#kinds.size < before
  }

  async #probe(samples: Iterable<RuleInTable>): Promise<Map<string, RefusedKind>> {
    const refused = new Map<string, RefusedKind>()
    for (const sample of samples) {
      const [table, rule] = sample
      const reason = await probeRules(new Map([[table, [withoutJump(rule)]]]), this.#iptables)
      if (reason !== undefined) refused.set(ruleKind(sample), { sample, reason })
    }
    return refused
  }
}

/** The chain that a rule jumps to may not exist. */
function withoutJump(rule: Rule): Rule {
  return rule.target.kind === 'jump' ? { ...rule, target: { kind: 'RETURN' } } : rule
}
