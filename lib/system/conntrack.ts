import { type IpAddress, type IpFamily, parseIp } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type CommandResult, runCommand } from './command.js'
import { parseDeletedCount } from './parse-deleted-count.js'
import { summarizeStderr } from './summarize-stderr.js'

/** One end of a flow. */
export interface FlowEnd {
  readonly address: IpAddress
  readonly port: number
}

/** The protocols whose flows may be deleted. */
export const FLOW_PROTOCOLS = ['TCP', 'UDP'] as const
/** One of these protocols. */
export type FlowProtocol = (typeof FLOW_PROTOCOLS)[number]

/** The kernel's entry for one UDP flow, or for one TCP connection that has no answer yet. */
export interface FlowEntry {
  readonly family: IpFamily
  readonly protocol: FlowProtocol
  readonly source: FlowEnd
  /** Destination of the client's first packet, before any translation. */
  readonly destination: FlowEnd
  /** Source of the answers: the translated destination, or `destination` itself. All packets go there. */
  readonly replySource: FlowEnd
  /** No packet has come back yet. Always so for TCP. */
  readonly isUnanswered?: true
}

/** A flow to remove. */
export interface FlowRemoval extends FlowEntry {
  /** Others with the same destination and reply source are right, and stay. */
  readonly isAlone?: true
}

/**
 * The kernel's table of flows. Only the first packet of a flow passes the nat rules; the others follow the entry. Each SYN that a TCP
 * client sends again keeps its entry alive, so it counts as a flow until it is answered.
 */
export interface Conntrack {
  /**
   * The entries of a family in the default zone; other zones belong to other programs. Of TCP only connections without an answer.
   * @throws ProxyFailure
   */
  list(family: IpFamily, protocol: FlowProtocol): Promise<FlowEntry[]>
  /**
   * Removes these entries, and all others with the same destination and reply source, from any client: these two make an
   * entry wrong, and one pass through the table removes all. Of an entry that is alone, only this one. Entries that are gone
   * already are no failure. Established TCP connections stay.
   * @returns how many of the entries are left, because there were too many for one call
   * @throws ProxyFailure
   */
  delete(entries: readonly FlowRemoval[]): Promise<number>
}

const TIMEOUT_MS = 60_000
/** Each removal is a pass through the table: about 8 ms for 1,000 entries. */
const DELETIONS_PER_PROCESS = 64
/** Processes at once, for versions that remove one kind of entry per process. */
const MAX_PROCESSES = 4
/** In one call, which takes some seconds then. */
const DELETIONS_PER_CALL = 1024

/**
 * The program's message when an entry expired before it could remove it. It stops there, and may leave other entries: so it
 * runs again, a few times, since fewer entries remain each time.
 */
const ENTRY_VANISHED = /such conntrack doesn't exist/
const MAX_ATTEMPTS = 5

const UNANSWERED_TCP = /^tcp +6 +\d+ SYN_SENT /
const TUPLE = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g

/** Reads the output of `conntrack -L`, one entry a line. Ignores other lines, and TCP connections that were answered. */
export function parseFlowEntries(text: string, family: IpFamily): FlowEntry[] {
  return text.split('\n').flatMap(line => {
    const protocol = line.startsWith('udp ') ? 'UDP' : UNANSWERED_TCP.test(line) ? 'TCP' : undefined
    if (protocol === undefined || line.includes(' zone')) return []
    const [original, reply] = [...line.matchAll(TUPLE)]
    const source = flowEnd(original?.[1], original?.[3])
    const destination = flowEnd(original?.[2], original?.[4])
    const replySource = flowEnd(reply?.[1], reply?.[3])
    if (source === undefined || destination === undefined || replySource === undefined) return []
    const isUnanswered = line.includes('[UNREPLIED]') ? ({ isUnanswered: true } as const) : {}
    return [{ family, protocol, source, destination, replySource, ...isUnanswered }]
  })
}

function flowEnd(ip: string | undefined, port: string | undefined): FlowEnd | undefined {
  const address = parseIp(ip)
  return address === undefined ? undefined : { address, port: Number(port) }
}

/**
 * The table through the program `conntrack`. Without the program or the permission it logs one warning, and from then on
 * reports an empty table. All else works, but a client that keeps its port may get no answer until its entry expires.
 */
export class ConntrackProgram implements Conntrack {
  readonly #log: Log
  readonly #run: typeof runCommand
  #isUsable = true
  /** Whether it has `--load-file`, since 1.4.7. Undefined: not tried yet. */
  #supportsBatches: boolean | undefined

  constructor(log: Log, run = runCommand) {
    this.#log = log
    this.#run = run
  }

  async list(family: IpFamily, protocol: FlowProtocol): Promise<FlowEntry[]> {
    const args = ['-L', '-p', protocol.toLowerCase(), '-f', family.toLowerCase()]
    if (protocol === 'TCP') args.push('--state', 'SYN_SENT')
    const result = await this.#runConntrack(args)
    if (result === undefined) return []
    if (result.exitCode !== 0) throw conntrackFailure(args, result)
    return parseFlowEntries(result.stdout, family)
  }

  async delete(entries: readonly FlowRemoval[]): Promise<number> {
    const all = new Map<string, number>()
    for (const entry of entries) all.set(deletionArgs(entry), (all.get(deletionArgs(entry)) ?? 0) + 1)
    const removals = [...all.keys()].slice(0, DELETIONS_PER_CALL)
    const left = [...all.values()].slice(DELETIONS_PER_CALL)
    while (removals.length > 0) {
      const batch = removals.splice(0, DELETIONS_PER_PROCESS)
      if (this.#supportsBatches === false || !(await this.#deleteBatch(batch))) await this.#deleteEach(batch)
    }
    return left.reduce((sum, count) => sum + count, 0)
  }

  /** Whether the batch succeeded. After a failure the caller removes entries one by one, and that result counts. */
  async #deleteBatch(batch: readonly string[]): Promise<boolean> {
    const result = await this.#runConntrack(['-R', '-'], `${batch.join('\n')}\n`)
    if (result === undefined) return true
    if (result.exitCode === 0 || hasEntryVanished(result)) this.#supportsBatches = true
    return result.exitCode === 0
  }

  async #deleteEach(batch: readonly string[]): Promise<void> {
    const left = [...batch]
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const args = next.split(' ')
        let result = await this.#runConntrack(args)
        for (let times = 1; times < MAX_ATTEMPTS && hasEntryVanished(result); times++)
          result = await this.#runConntrack(args)
        if (result !== undefined && !isDeleted(result)) throw conntrackFailure(args, result)
      }
    }
    await Promise.all(Array.from({ length: MAX_PROCESSES }, work))
    this.#supportsBatches ??= false
  }

  /** Runs the program; undefined when this node cannot use it at all. */
  async #runConntrack(args: readonly string[], input = ''): Promise<CommandResult | undefined> {
    if (!this.#isUsable) return undefined
    try {
      const result = await this.#run('conntrack', args, { timeoutMs: TIMEOUT_MS, input, packageName: 'conntrack' })
      if (result.exitCode === 0 || !/must be root|CAP_NET_ADMIN|not permitted/i.test(result.stderr)) return result
      this.#disable(summarizeStderr(result.stderr), 'Run as root, or give the capability NET_ADMIN')
    } catch (error) {
      if (!(error instanceof ProxyFailure) || error.code !== 'PROGRAM_MISSING') throw error
      this.#disable(error.message, error.hint)
    }
    return undefined
  }

  #disable(reason: string, hint: string | undefined): void {
    if (this.#isUsable) this.#log.warn('Cannot remove stale flows from the kernel', { reason, hint })
    this.#isUsable = false
  }
}

/** The arguments of `conntrack` that remove all entries with the same destination and reply source, or one that is alone. */
function deletionArgs({ family, protocol, source, destination, replySource, isAlone }: FlowRemoval): string {
  const client = isAlone === true ? `-s ${source.address} --sport ${source.port} ` : ''
  const ends = `-d ${destination.address} --dport ${destination.port} -r ${replySource.address}`
  const state = protocol === 'TCP' ? ' --state SYN_SENT' : ''
  return `-D -p ${protocol.toLowerCase()} -f ${family.toLowerCase()} -w 0 ${client}${ends} --reply-port-src ${replySource.port}${state}`
}

function hasEntryVanished(result: CommandResult | undefined): boolean {
  return result !== undefined && result.exitCode !== 0 && ENTRY_VANISHED.test(result.stderr)
}

/** Whether the removal succeeded. Entries that remain after all attempts will expire, as others just did. */
function isDeleted(result: CommandResult): boolean {
  return result.exitCode === 0 || hasEntryVanished(result) || parseDeletedCount(result.stderr) === 0
}

function conntrackFailure(args: readonly string[], result: CommandResult): ProxyFailure {
  return new ProxyFailure('PROGRAM_FAILED', `"conntrack ${args.join(' ')}" failed: ${summarizeStderr(result.stderr)}`)
}
