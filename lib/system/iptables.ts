import { setImmediate as nextTurn } from 'node:timers/promises'
import { type IpFamily } from '../model/address.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ObservedRules, type ObservedTable, parseIptablesSave } from '../netfilter/iptables-save.js'
import { type RuleBackEnd } from '../netfilter/kernel-features.js'
import { type RuleTables, ruleTableSteps } from '../netfilter/rule-tables.js'
import { type CommandResult, runCommand } from './command.js'
import { type RuleMonitor } from './rule-monitor.js'
import { type IptablesBackEnd, programName } from './iptables-back-end.js'
import { LOCK_WAIT_SECONDS, iptablesFailure } from './iptables-failure.js'

/** The kernel's netfilter rules of one IP family. */
export interface Iptables {
  readonly family: IpFamily
  /** Where the rules are in the kernel; omitted: where iptables had them before nftables. */
  readonly backEnd?: RuleBackEnd
  /** Largest number of new chains in one input; more are faster in several inputs. */
  readonly maxChainsPerRestore: number
  /** All rules of these tables. @throws ProxyFailure */
  read(tables: Iterable<string>): Promise<ObservedRules>
  /** Applies an input of `iptables-restore --noflush`, all or nothing. @throws ProxyFailure */
  restore(text: string): Promise<void>
  /** See `RuleMonitor.foreignChanges`; omitted: changes are not noticed. */
  foreignChanges?(): number | undefined
  /** Has changes of these chains of other programs, as `table chain`, counted too. Omitted: changes are not noticed. */
  watchAlso?(chains: ReadonlySet<string>): void
}

/**
 * iptables-nft-restore (1.8.9) searches a list of all names in its input for each name: 12,000 chains with 32,000 rules take
 * 5 s, and 0.7 s in batches of this size. The legacy program writes the whole table with each input, so it gets one.
 */
const NFT_MAX_CHAINS_PER_RESTORE = 1000
const TIMEOUT_MS = 60_000
const POLICY_COUNTERS = /^(:\S+ [A-Z]+) \[\d+:\d+\]$/gm

/** Netfilter through the programs `iptables-save` and `iptables-restore`: one process for each call. */
export class IptablesPrograms implements Iptables {
  readonly family: IpFamily
  readonly backEnd: RuleBackEnd
  readonly maxChainsPerRestore: number
  /** Notices changes by other programs, if there is one. */
  monitor: Pick<RuleMonitor, 'foreignChanges' | 'watchAlso' | 'expectWrite'> | undefined
  readonly #backEnd: IptablesBackEnd
  readonly #run: typeof runCommand
  /** The last output by table: an equal output is not parsed again, and gives the same objects. */
  readonly #lastRead = new Map<string, { readonly text: string; readonly table: ObservedTable }>()

  constructor(family: IpFamily, backEnd: IptablesBackEnd, run = runCommand) {
    this.family = family
    // A build with one back end is one from before nftables.
    this.backEnd = backEnd === 'nft' ? 'nft' : 'legacy'
    this.maxChainsPerRestore = backEnd === 'nft' ? NFT_MAX_CHAINS_PER_RESTORE : Infinity
    this.#backEnd = backEnd
    this.#run = run
  }

  async read(tables: Iterable<string>): Promise<ObservedRules> {
    const names = [...tables]
    const saved = names.length > 1 ? await this.#saveAll() : ''
    const observed = new Map<string, ObservedTable>()
    for (const name of names) {
      const text = savedTable(saved, name) ?? savedTable(await this.#save(name), name)
      if (text === undefined) continue
      const known = this.#lastRead.get(name)
      const table = known?.text === text ? known.table : parseIptablesSave(text).get(name)!
      this.#lastRead.set(name, { text, table })
      observed.set(name, table)
    }
    return observed
  }

  /**
   * All tables, by one program: it takes half as long as one for each table.
   * @returns an empty text if that failed, perhaps because of a table that does not concern us
   */
  async #saveAll(): Promise<string> {
    const { exitCode, stdout } = await this.#runSave([])
    return exitCode === 0 ? stdout : ''
  }

  /**
   * All rules of all tables with their counters.
   * @param needed the tables to read if not all can be read, perhaps because of one that does not concern us; omitted: the read fails then
   * @throws ProxyFailure
   */
  async readCounted(needed?: Iterable<string>): Promise<RuleTables> {
    const { exitCode, stdout, stderr } = await this.#runSave(['-c'])
    if (exitCode === 0) return parseInTurns(stdout)
    if (needed === undefined) throw this.#saveFailure(stderr)
    const saved: string[] = []
    for (const table of needed) saved.push(await this.#save(table, ['-c']))
    return parseInTurns(saved.join(''))
  }

  /** One table. It loads the kernel's module of the table, unlike `#saveAll`. @throws ProxyFailure */
  async #save(table: string, more: readonly string[] = []): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#runSave(['-t', table, ...more])
    if (exitCode !== 0) throw this.#saveFailure(stderr)
    return stdout
  }

  #saveFailure(stderr: string): ProxyFailure {
    return iptablesFailure(programName(this.family, this.#backEnd, 'save'), stderr, '')
  }

  #runSave(args: readonly string[]): Promise<CommandResult> {
    return this.#run(programName(this.family, this.#backEnd, 'save'), args, { timeoutMs: TIMEOUT_MS })
  }

  /** Whether a `RuleMonitor` can see the rules of this back end. */
  get canBeMonitored(): boolean {
    return this.#backEnd === 'nft'
  }

  /** The program that executes `restore`, with its arguments. */
  get restoreCommand(): readonly [program: string, ...args: string[]] {
    return [programName(this.family, this.#backEnd, 'restore'), '--noflush', '--wait', String(LOCK_WAIT_SECONDS)]
  }

  async restore(text: string): Promise<void> {
    const [program, ...args] = this.restoreCommand
    const onEnd = this.monitor?.expectWrite(this.family, text)
    let succeeded = false
    try {
      const { exitCode, stderr } = await this.#run(program, args, { input: text, timeoutMs: TIMEOUT_MS })
      succeeded = exitCode === 0
      if (!succeeded) throw iptablesFailure(program, stderr, text)
    } finally {
      onEnd?.(succeeded)
    }
  }

  foreignChanges(): number | undefined {
    return this.monitor?.foreignChanges(this.family)
  }

  watchAlso(chains: ReadonlySet<string>): void {
    this.monitor?.watchAlso(this.family, chains)
  }
}

/** Parses what `iptables-save -c` prints. The process does its other work meanwhile: 160,000 rules take a second. */
async function parseInTurns(text: string): Promise<RuleTables> {
  const steps = ruleTableSteps(text)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    await nextTurn()
  }
}

/**
 * The part of an output of `iptables-save` that a table takes, without what changes on its own: the counters of chain policies, which
 * come before all rules. Undefined if it has no such table.
 */
function savedTable(output: string, name: string): string | undefined {
  const begin = `*${name}\n`
  const start = output.startsWith(begin) ? 0 : output.indexOf(`\n${begin}`)
  if (start < 0) return undefined
  const end = output.indexOf('\nCOMMIT\n', start)
  const rules = output.indexOf('\n-A ', start)
  const head = output.slice(start, rules < 0 || rules > end ? end : rules)
  return `${head.replace(POLICY_COUNTERS, '$1')}${output.slice(start + head.length, end)}\n`
}
