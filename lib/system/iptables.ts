import { type IpFamily } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { type FoundChain, type FoundRules, type FoundTable, parseSaveText } from '../rules/found-rules.js'
import { runCommand } from './command.js'
import { type IptablesFlavour, permissionFailure, programName } from './iptables-flavour.js'

/** The kernel's netfilter rules of one IP family. */
export interface Iptables {
  readonly family: IpFamily
  /** More new chains than these in one text take longer than as many in several. */
  readonly chainsAtOnce: number
  /** All rules of the tables named. @throws ProxyFailure */
  read(tables: Iterable<string>): Promise<FoundRules>
  /**
   * The rules of one chain, without reading all others. `unknown`: the kernel is short of something and cannot tell.
   * @throws ProxyFailure
   */
  readChain(table: string, chain: string): Promise<FoundChain | 'absent' | 'unknown'>
  /** Applies a text of `iptables-restore --noflush`, all or nothing. @throws ProxyFailure */
  restore(text: string): Promise<void>
}

/**
 * iptables-nft-restore (1.8.9) looks each name up in a list of all names in the text: 12,000 chains of 32,000 rules take it 5 s,
 * and in portions of this size 0.7 s. The legacy program writes the whole table with each text, and is asked once.
 */
const NFT_CHAINS_AT_ONCE = 1000
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
  readonly chainsAtOnce: number
  readonly #flavour: IptablesFlavour
  readonly #run: typeof runCommand
  /** What was read last, by table: reading the same again costs no parsing, and gives the same objects. */
  readonly #read = new Map<string, { readonly text: string; readonly table: FoundTable | undefined }>()

  constructor(family: IpFamily, flavour: IptablesFlavour, run = runCommand) {
    this.family = family
    this.chainsAtOnce = flavour === 'nft' ? NFT_CHAINS_AT_ONCE : Infinity
    this.#flavour = flavour
    this.#run = run
  }

  async read(tables: Iterable<string>): Promise<FoundRules> {
    const program = programName(this.family, this.#flavour, 'save')
    const found = new Map<string, FoundTable>()
    for (const name of tables) {
      const { exitCode, stdout, stderr } = await this.#run(program, ['-t', name], { timeoutMs: TIMEOUT_MS })
      if (exitCode !== 0) throw failureOf(program, stderr, '')
      const text = withoutCounters(stdout)
      const known = this.#read.get(name)
      const table = known?.text === text ? known.table : parseSaveText(stdout).get(name)
      this.#read.set(name, { text, table })
      if (table !== undefined) found.set(name, table)
    }
    return found
  }

  async readChain(table: string, chain: string): Promise<FoundChain | 'absent' | 'unknown'> {
    const program = programName(this.family, this.#flavour)
    const args = ['-t', table, '-S', chain, '--wait', String(LOCK_WAIT_SECONDS)]
    const { exitCode, stdout, stderr } = await this.#run(program, args, { timeoutMs: TIMEOUT_MS })
    if (exitCode === RESOURCE_PROBLEM) return 'unknown'
    if (exitCode === OTHER_PROBLEM) return 'absent'
    if (exitCode !== 0) throw failureOf(program, stderr, '')
    return parseSaveText(`*${table}\n:${chain}\n${stdout}`).get(table)?.get(chain) ?? 'absent'
  }

  /** The program that a text of `restore` is for, with its arguments. */
  get restoreCommand(): readonly [program: string, ...args: string[]] {
    return [programName(this.family, this.#flavour, 'restore'), '--noflush', '--wait', String(LOCK_WAIT_SECONDS)]
  }

  async restore(text: string): Promise<void> {
    const [program, ...args] = this.restoreCommand
    const { exitCode, stderr } = await this.#run(program, args, { input: text, timeoutMs: TIMEOUT_MS })
    if (exitCode !== 0) throw failureOf(program, stderr, text)
  }
}

/** The text without what changes by itself: the time in comments, and what the policies of chains have counted. */
function withoutCounters(text: string): string {
  return text.replace(/^#.*$/gm, '').replace(/ \[\d+:\d+\]$/gm, '')
}

/** Sorts what a netfilter program said into a failure; with the line at fault, where it names one. */
export function failureOf(program: string, stderr: string, text: string): ProxyFailure {
  const said = stderr.trim().split('\n').slice(0, 3).join('; ')
  if (/xtables lock/i.test(stderr)) {
    return new ProxyFailure(
      'IPTABLES_LOCKED',
      `"${program}" did not get the xtables lock within ${LOCK_WAIT_SECONDS} s: ${said}`,
      {
        hint: 'Another program is changing rules; it is tried again by itself',
      },
    )
  }
  if (
    /table does not exist|protocol not supported|can't initialize/i.test(stderr) &&
    !/permission denied|must be root/i.test(stderr)
  ) {
    return new ProxyFailure('IPTABLES_ABSENT', `"${program}" finds no such table in this kernel: ${said}`, {
      hint: 'Load the kernel module that the message names, or use the other back end of iptables',
    })
  }
  if (/permission denied|must be root|operation not permitted/i.test(stderr)) return permissionFailure(said)
  if (/message too long|no buffer space|cannot allocate memory|memory allocation/i.test(stderr)) {
    const lines = text.split('\n').length
    return new ProxyFailure('RULES_TOO_LARGE', `"${program}" failed: ${lines} lines are too many at once: ${said}`, {
      hint: 'Raise the kernel\'s limit (sysctl net.core.wmem_max), run in the first user namespace, or use the back end "legacy"',
    })
  }
  const number = /line:? (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : text.split('\n')[Number(number) - 1]
  const where = line === undefined ? '' : `, at line ${number}: "${line}"`
  return new ProxyFailure('IPTABLES_RESTORE_FAILED', `"${program}" failed${where}: ${said}`, {
    hint: 'No rule of this write took effect; it is tried again by itself',
  })
}
