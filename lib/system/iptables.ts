import { type IpFamily } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import {
  type ObservedChain,
  type ObservedRules,
  type ObservedTable,
  parseIptablesSave,
} from '../netfilter/iptables-save.js'
import { runCommand } from './command.js'
import { type IptablesBackEnd, permissionFailure, programName } from './iptables-back-end.js'

/** The kernel's netfilter rules of one IP family. */
export interface Iptables {
  readonly family: IpFamily
  /** More new chains than these in one text take longer than as many in several. */
  readonly maxChainsPerRestore: number
  /** All rules of the tables named. @throws ProxyFailure */
  read(tables: Iterable<string>): Promise<ObservedRules>
  /**
   * The rules of one chain, without reading all others. `unknown`: the kernel is short of something and cannot tell.
   * @throws ProxyFailure
   */
  readChain(table: string, chain: string): Promise<ObservedChain | 'absent' | 'unknown'>
  /** Applies a text of `iptables-restore --noflush`, all or nothing. @throws ProxyFailure */
  restore(text: string): Promise<void>
}

/**
 * iptables-nft-restore (1.8.9) looks each name up in a list of all names in the text: 12,000 chains of 32,000 rules take it 5 s,
 * and in portions of this size 0.7 s. The legacy program writes the whole table with each text, and is asked once.
 */
const NFT_MAX_CHAINS_PER_RESTORE = 1000
/** Seconds to wait for others who hold the xtables lock. */
const LOCK_WAIT_SECONDS = 5
const TIMEOUT_MS = 60_000
/**
 * Exit codes of `iptables` (include/xtables.h). The first means, of a question for a chain, that it is not there: in words of
 * many kinds, iptables-nft 1.8.9 calls it incompatible.
 */
const OTHER_PROBLEM = 1
const RESOURCE_PROBLEM = 4

/** Netfilter through the programs `iptables-save` and `iptables-restore`: one process for each call, whatever it carries. */
export class IptablesPrograms implements Iptables {
  readonly family: IpFamily
  readonly maxChainsPerRestore: number
  readonly #backEnd: IptablesBackEnd
  readonly #run: typeof runCommand
  /** What was read last, by table: reading the same again costs no parsing, and gives the same objects. */
  readonly #lastRead = new Map<string, { readonly text: string; readonly table: ObservedTable | undefined }>()

  constructor(family: IpFamily, flavour: IptablesBackEnd, run = runCommand) {
    this.family = family
    this.maxChainsPerRestore = flavour === 'nft' ? NFT_MAX_CHAINS_PER_RESTORE : Infinity
    this.#backEnd = flavour
    this.#run = run
  }

  async read(tables: Iterable<string>): Promise<ObservedRules> {
    const program = programName(this.family, this.#backEnd, 'save')
    const observed = new Map<string, ObservedTable>()
    for (const name of tables) {
      const { exitCode, stdout, stderr } = await this.#run(program, ['-t', name], { timeoutMs: TIMEOUT_MS })
      if (exitCode !== 0) throw iptablesFailure(program, stderr, '')
      const text = withoutCounters(stdout)
      const known = this.#lastRead.get(name)
      const table = known?.text === text ? known.table : parseIptablesSave(stdout).get(name)
      this.#lastRead.set(name, { text, table })
      if (table !== undefined) observed.set(name, table)
    }
    return observed
  }

  async readChain(table: string, chain: string): Promise<ObservedChain | 'absent' | 'unknown'> {
    const program = programName(this.family, this.#backEnd)
    const args = ['-t', table, '-S', chain, '--wait', String(LOCK_WAIT_SECONDS)]
    const { exitCode, stdout, stderr } = await this.#run(program, args, { timeoutMs: TIMEOUT_MS })
    if (exitCode === RESOURCE_PROBLEM) return 'unknown'
    if (exitCode === OTHER_PROBLEM) return 'absent'
    if (exitCode !== 0) throw iptablesFailure(program, stderr, '')
    return parseIptablesSave(`*${table}\n:${chain}\n${stdout}`).get(table)?.get(chain) ?? 'absent'
  }

  /** The program that a text of `restore` is for, with its arguments. */
  get restoreCommand(): readonly [program: string, ...args: string[]] {
    return [programName(this.family, this.#backEnd, 'restore'), '--noflush', '--wait', String(LOCK_WAIT_SECONDS)]
  }

  async restore(text: string): Promise<void> {
    const [program, ...args] = this.restoreCommand
    const { exitCode, stderr } = await this.#run(program, args, { input: text, timeoutMs: TIMEOUT_MS })
    if (exitCode !== 0) throw iptablesFailure(program, stderr, text)
  }
}

/** The text without what changes by itself: the time in comments, and what the policies of chains have counted. */
function withoutCounters(text: string): string {
  return text.replace(/^#.*$/gm, '').replace(/ \[\d+:\d+\]$/gm, '')
}

/** Sorts what a netfilter program said into a failure; with the line at fault, where it names one. */
export function iptablesFailure(program: string, stderr: string, text: string): ProxyFailure {
  const summary = stderr.trim().split('\n').slice(0, 3).join('; ')
  if (/xtables lock/i.test(stderr)) {
    return new ProxyFailure(
      'IPTABLES_LOCKED',
      `"${program}" did not get the xtables lock within ${LOCK_WAIT_SECONDS} s: ${summary}`,
      {
        hint: 'Another program is changing rules; it is tried again by itself',
      },
    )
  }
  if (
    /table does not exist|protocol not supported|can't initialize/i.test(stderr) &&
    !/permission denied|must be root/i.test(stderr)
  ) {
    return new ProxyFailure('IPTABLES_ABSENT', `"${program}" finds no such table in this kernel: ${summary}`, {
      hint: 'Load the kernel module that the message names, or use the other back end of iptables',
    })
  }
  if (/permission denied|must be root|operation not permitted/i.test(stderr)) return permissionFailure(summary)
  if (/message too long|no buffer space|cannot allocate memory|memory allocation/i.test(stderr)) {
    const lines = text.split('\n').length
    return new ProxyFailure('RULES_TOO_LARGE', `"${program}" failed: ${lines} lines are too many at once: ${summary}`, {
      hint: 'Raise the kernel\'s limit (sysctl net.core.wmem_max), run in the first user namespace, or use the back end "legacy"',
    })
  }
  const number = /line:? (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : text.split('\n')[Number(number) - 1]
  const where = line === undefined ? '' : `, at line ${number}: "${line}"`
  return new ProxyFailure('IPTABLES_RESTORE_FAILED', `"${program}" failed${where}: ${summary}`, {
    hint: 'No rule of this write took effect; it is tried again by itself',
  })
}
