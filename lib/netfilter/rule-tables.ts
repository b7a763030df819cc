import { type IpFamily } from '../model/address.js'
import { type ObservedRules, splitArgs } from './iptables-save.js'
import { chainArgs, iptablesArgs } from './iptables-args.js'
import { type RuleSet, type TableRules, allChains } from './rule-set.js'

/** What the kernel has counted at a rule. */
export interface RuleCounter {
  readonly packets: number
  readonly bytes: number
}

/** All rules of one IP family, to look at: in the kernel, or as they are planned. */
export class RuleTables {
  readonly #tables: ObservedRules
  /** By table and chain. */
  readonly #policies: ReadonlyMap<string, string>
  /** By the arguments of the rule. */
  readonly #counters: ReadonlyMap<readonly string[], RuleCounter>
  /** Whether a rule asks for a set of the kernel. */
  readonly usesSets: boolean

  constructor(
    tables: ObservedRules,
    policies: ReadonlyMap<string, string> = new Map(),
    counters: ReadonlyMap<readonly string[], RuleCounter> = new Map(),
    usesSets = false,
  ) {
    this.#tables = tables
    this.#policies = policies
    this.#counters = counters
    this.usesSets = usesSets
  }

  /** The tables with their chains. */
  get tables(): ObservedRules {
    return this.#tables
  }

  /** The rules of a chain; undefined: there is no such chain. */
  chain(table: string, chain: string): readonly (readonly string[])[] | undefined {
    return this.#tables.get(table)?.get(chain)
  }

  /** The policy of a built-in chain. */
  policy(table: string, chain: string): string | undefined {
    return this.#policies.get(`${table} ${chain}`)
  }

  /** What the kernel has counted at a rule; undefined for a planned one. */
  counter(args: readonly string[]): RuleCounter | undefined {
    return this.#counters.get(args)
  }
}

const POLICY = /^:(\S+) ([A-Z]+)\b/
const COUNTED_RULE = /^(?:\[(\d+):(\d+)\] )?-A /

/** Lines of one step: a few milliseconds. */
const LINES_PER_STEP = 1000

/** Reads the output of `iptables-save -c`: rules with their counters, and the policies of built-in chains. */
export function parseRuleTables(text: string): RuleTables {
  const steps = ruleTableSteps(text)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** The same in steps, between which the caller can do other work. */
export function* ruleTableSteps(text: string): Generator<undefined, RuleTables> {
  const tables = new Map<string, Map<string, (readonly string[])[]>>()
  const policies = new Map<string, string>()
  const counters = new Map<readonly string[], RuleCounter>()
  let name = ''
  for (const [index, line] of text.split('\n').entries()) {
    if (index % LINES_PER_STEP === LINES_PER_STEP - 1) yield undefined
    if (line.startsWith('*')) {
      name = line.slice(1).trim()
      tables.set(name, new Map())
    } else if (line.startsWith(':')) {
      tables.get(name)?.set(line.slice(1).split(' ', 1)[0]!, [])
      const [, chain, policy] = POLICY.exec(line) ?? []
      if (policy !== undefined) policies.set(`${name} ${chain}`, policy)
    } else {
      const match = COUNTED_RULE.exec(line)
      if (match === null) continue
      const [chain, ...args] = splitArgs(line.slice(match[0].length))
      if (chain !== undefined) tables.get(name)?.get(chain)?.push(args)
      if (match[1] !== undefined) counters.set(args, { packets: Number(match[1]), bytes: Number(match[2]) })
    }
  }
  return new RuleTables(tables, policies, counters, text.includes(' --match-set '))
}

/** The rules as a kernel would have them that has no other rules. */
export function plannedTables({ family, tables }: RuleSet): RuleTables {
  return new RuleTables(new Map([...tables].map(([name, table]) => [name, plannedTable(table, family)])))
}

function plannedTable(table: TableRules, family: IpFamily): Map<string, readonly (readonly string[])[]> {
  const chains = new Map([...allChains(table)].map(([name, rules]) => [name, chainArgs(rules, family)]))
  for (const { chain, position, rule } of table.links) {
    const before = chains.get(chain) ?? []
    const args = iptablesArgs(rule, family)
    chains.set(chain, position === 'first' ? [args, ...before] : [...before, args])
  }
  return chains
}
