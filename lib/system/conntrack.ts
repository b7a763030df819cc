import { type IpAddress, type IpFamily, parseIp } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type CommandResult, runCommand } from './command.js'

/** One end of a flow. */
export interface FlowEnd {
  readonly address: IpAddress
  readonly port: number
}

/** What the kernel remembers of one UDP flow. */
export interface UdpEntry {
  readonly family: IpFamily
  readonly source: FlowEnd
  /** Where the client sent its first datagram to, before any translation. */
  readonly destination: FlowEnd
  /** Where answers come from: whom the flow was translated to, or `destination` itself. All datagrams go there. */
  readonly replySource: FlowEnd
}

/** The kernel's table of UDP flows. Rules are asked for the first datagram of a flow only: the rest follows the entry. */
export interface Conntrack {
  /** All entries of a family in the default zone: the others belong to someone else's network. @throws ProxyFailure */
  listUdp(family: IpFamily): Promise<UdpEntry[]>
  /**
   * Removes these entries, and with them every other whose destination and reply source are the same, whoever the client is:
   * an entry is wrong because of these two, and one walk through the table removes all. What is gone already is no failure.
   * @throws ProxyFailure
   */
  delete(entries: readonly UdpEntry[]): Promise<void>
}

const TIMEOUT_MS = 60_000
/** Each removal is a walk through the table: about 8 ms for 1,000 entries. */
const DELETIONS_PER_PROCESS = 64
/** At once, where a program can carry out just one removal. */
const MAX_PROCESSES = 4
/** In one call; what is left comes up again with the next list, or expires: after 30 to 180 s without a datagram. */
const DELETIONS_PER_CALL = 1024

/**
 * What the program says when an entry that it found had gone by itself before it could remove it. It ends there and then, so that
 * others of the kind may be left: it is asked again, a few times, since each time there are fewer.
 */
const ENTRY_VANISHED = /such conntrack doesn't exist/
const MAX_ATTEMPTS = 5

const TUPLE = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g

/** Reads what `conntrack -L -p udp` prints, one entry a line; a line that is no such entry is passed over. */
export function parseUdpEntries(text: string, family: IpFamily): UdpEntry[] {
  return text.split('\n').flatMap(line => {
    if (!line.startsWith('udp ') || line.includes(' zone')) return []
    const [original, reply] = [...line.matchAll(TUPLE)]
    const source = flowEnd(original?.[1], original?.[3])
    const destination = flowEnd(original?.[2], original?.[4])
    const replySource = flowEnd(reply?.[1], reply?.[3])
    if (source === undefined || destination === undefined || replySource === undefined) return []
    return [{ family, source, destination, replySource }]
  })
}

function flowEnd(ip: string | undefined, port: string | undefined): FlowEnd | undefined {
  const address = parseIp(ip)
  return address === undefined ? undefined : { address, port: Number(port) }
}

/**
 * The table through the program `conntrack`. Without the program, or without the permission, there is one warning, and from
 * then on the table looks empty: everything else works, a client that keeps its port may talk to nobody for a while.
 */
export class ConntrackProgram implements Conntrack {
  readonly #log: Log
  readonly #run: typeof runCommand
  #isUsable = true
  /** `conntrack --load-file` came with 1.4.7. Undefined: not tried yet. */
  #supportsBatches: boolean | undefined

  constructor(log: Log, run = runCommand) {
    this.#log = log
    this.#run = run
  }

  async listUdp(family: IpFamily): Promise<UdpEntry[]> {
    const args = ['-L', '-p', 'udp', '-f', family.toLowerCase()]
    const result = await this.#runConntrack(args)
    if (result === undefined) return []
    if (result.exitCode !== 0) throw conntrackFailure(args, result)
    return parseUdpEntries(result.stdout, family)
  }

  async delete(entries: readonly UdpEntry[]): Promise<void> {
    const all = [...new Set(entries.map(deletionArgs))]
    const removals = all.slice(0, DELETIONS_PER_CALL)
    if (all.length > removals.length)
      this.#log.info(2, 'Stale UDP flows are left for later', { kinds: all.length - removals.length })
    while (removals.length > 0) {
      const batch = removals.splice(0, DELETIONS_PER_PROCESS)
      if (this.#supportsBatches === false || !(await this.#deleteBatch(batch))) await this.#deleteEach(batch)
    }
  }

  /** Whether it was done. A program that says no is asked in the old way, and that answer counts. */
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

  /** Undefined when it cannot be used here, now or ever. */
  async #runConntrack(args: readonly string[], input = ''): Promise<CommandResult | undefined> {
    if (!this.#isUsable) return undefined
    try {
      const result = await this.#run('conntrack', args, { timeoutMs: TIMEOUT_MS, input })
      if (result.exitCode === 0 || !/must be root|CAP_NET_ADMIN|not permitted/i.test(result.stderr)) return result
      this.#disable(summarizeStderr(result), 'Run as root, or give the capability NET_ADMIN')
    } catch (error) {
      if (!(error instanceof ProxyFailure) || error.code !== 'PROGRAM_MISSING') throw error
      this.#disable(error.message, 'Install the package "conntrack" (Debian, Ubuntu: apt-get install conntrack)')
    }
    return undefined
  }

  #disable(reason: string, hint: string): void {
    if (this.#isUsable) this.#log.warn('Stale UDP flows are not removed from the kernel', { reason, hint })
    this.#isUsable = false
  }
}

/** The arguments of `conntrack` that remove all entries like this one. */
function deletionArgs({ family, destination, replySource }: UdpEntry): string {
  const ends = `-d ${destination.address} --dport ${destination.port} -r ${replySource.address}`
  return `-D -p udp -f ${family.toLowerCase()} -w 0 ${ends} --reply-port-src ${replySource.port}`
}

function hasEntryVanished(result: CommandResult | undefined): boolean {
  return result !== undefined && result.exitCode !== 0 && ENTRY_VANISHED.test(result.stderr)
}

/** Whether nothing is left to complain of: what is left after many attempts ends by itself, as others just did. */
function isDeleted(result: CommandResult): boolean {
  return result.exitCode === 0 || hasEntryVanished(result) || /\b0 flow entries have been deleted/.test(result.stderr)
}

function conntrackFailure(args: readonly string[], result: CommandResult): ProxyFailure {
  return new ProxyFailure('PROGRAM_FAILED', `"conntrack ${args.join(' ')}" failed: ${summarizeStderr(result)}`)
}

function summarizeStderr({ stderr }: CommandResult): string {
  return stderr.trim().split('\n').slice(0, 3).join('; ')
}
