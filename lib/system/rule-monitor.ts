import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { IP_FAMILIES, type IpFamily } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ConcernsUs, ForeignChanges } from '../netfilter/foreign-changes.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { SilenceCounter } from '../primitives/silence-counter.js'
import { startProcess } from './start-process.js'

/**
 * `xtables-monitor` writes in blocks of 4 kB to a pipe; `stdbuf`, of the package coreutils, has it write each line at once. With
 * `setpriv`, of util-linux, it ends when this process is killed. Version 1.8.9 ends at each IPv6 rule with a port, so it may not
 * print the changes of IPv6. It still reports that a program has changed something.
 */
const PROGRAM = ['setpriv', '--pdeathsig', 'TERM', 'stdbuf', '-oL', 'xtables-monitor', '--event', '--ipv4'] as const
/** How long the report of an own write may take. */
const SETTLE_MS = 3000
const RESTART_MS = 1000
const MAX_RESTART_MS = 600_000
/** When a new process gets a change to report, in milliseconds after its start. */
const PROOF_MS: readonly number[] = [500, 5000, 60_000]
/** How often a reliable process gets a change to report, in milliseconds, and how many in a row it may leave out. */
const SIGN_MS = 60_000
const MAX_SILENT_SIGNS = 2
/** A program that ran this long had a reason to end that is not there at every start, such as a full buffer. */
const STABLE_MS = 60_000

/** What a monitor works with. */
export interface RuleMonitorOptions {
  readonly concernsUs: ConcernsUs
  /** Makes a change of rules that has no effect, which the process has to report. */
  readonly makeChange: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Notices changes of rules by other programs at once, and costs nothing while there are none: a process waits for the kernel's
 * messages about rules (nftables only). Without it, rules have to be read to see whether they are unchanged.
 *
 * It counts as reliable from the first change on that it has reported and that was understood, since some containers report nothing
 * and versions differ, and until its process ends. The process ends when more changes come at once than the kernel keeps for it. One
 * that is stopped is as silent as one without changes, so it has to report a change from time to time; otherwise another process
 * replaces it.
 */
export class RuleMonitor {
  readonly #options: RuleMonitorOptions
  readonly #changes: ForeignChanges
  readonly #timers: NamedTimers<'restart' | 'stable' | 'proof' | 'sign' | IpFamily>
  readonly #silence = new SilenceCounter(MAX_SILENT_SIGNS)
  #onChange: (family: IpFamily) => void = () => undefined
  #child: ChildProcess | undefined
  #isReliable = false
  #isStopped = false
  #restartMs = RESTART_MS

  constructor(options: RuleMonitorOptions) {
    this.#options = options
    this.#changes = new ForeignChanges(options.concernsUs)
    this.#timers = new NamedTimers(options.clock)
  }

  /** Starts the process. */
  start(): void {
    if (this.#isStopped) return
    const [program, ...args] = PROGRAM
    // In a separate session, so that Ctrl-C in a terminal does not end it before this process.
    const child = startProcess(
      () => spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true }),
      error => this.#onEnd(error.message),
    )
    this.#child = child
    if (child === undefined) return
    child.unref()
    this.#timers.set('stable', STABLE_MS, () => (this.#restartMs = RESTART_MS))
    this.#prove(0)
    createInterface({ input: child.stdout }).on('line', line => this.#addLine(line))
    child.on('exit', (code, signal) => this.#onEnd(`exit code ${code ?? signal}`))
  }

  /** @param onChange called when another program has changed rules that may concern us, or may have done so unnoticed */
  subscribe(onChange: (family: IpFamily) => void): void {
    this.#onChange = onChange
  }

  /** Ends the process. */
  stop(): void {
    this.#isStopped = true
    this.#isReliable = false
    this.#timers.stop()
    this.#child?.kill()
  }

  /** A number that grows with every change by another program that may concern us; undefined: changes are not noticed. */
  foreignChanges(family: IpFamily): number | undefined {
    return this.#isReliable ? this.#changes.count(family) : undefined
  }

  /** Notices changes of these chains of other programs too; see `ForeignChanges.watchAlso`. */
  watchAlso(family: IpFamily, chains: ReadonlySet<string>): void {
    if (this.#changes.watchAlso(family, chains)) this.#reportChange([family])
  }

  /**
   * Expects a write of our own. Call it before the write, and the returned function after it, with whether the write succeeded.
   * @param text the input of iptables-restore
   */
  expectWrite(family: IpFamily, text: string): (succeeded: boolean) => void {
    // A commit that is expected and not reported would hide one of another program.
    if (!this.#isReliable) return () => undefined
    this.#changes.expect(family, text.match(/^COMMIT$/gm)?.length ?? 0)
    return succeeded => {
      this.#timers.cancel(family)
      if (!succeeded) return this.#changes.forgetExpected(family)
      this.#timers.set(family, SETTLE_MS, () => {
        if (this.#changes.settle(family)) this.#reportChange([family])
      })
    }
  }

  #prove(attempt: number): void {
    const ms = PROOF_MS[attempt]
    if (ms === undefined) return
    this.#timers.set('proof', ms, () => {
      if (this.#isReliable) return
      // If it fails, so do the writes of rules, which are reported.
      this.#options.makeChange().catch(() => undefined)
      this.#prove(attempt + 1)
    })
  }

  #expectSigns(): void {
    this.#timers.set('sign', SIGN_MS, () => {
      if (this.#silence.tick()) return void this.#child?.kill('SIGKILL')
      this.#options.makeChange().catch(() => undefined)
      this.#expectSigns()
    })
  }

  #addLine(line: string): void {
    const families = this.#changes.addLine(line)
    if (families === undefined || this.#isStopped) return
    this.#silence.recordSign()
    if (this.#isReliable) return this.#reportChange(families)
    if (!this.#changes.areUnderstood) return
    this.#options.log.info(2, 'Watching for changes of rules by other programs')
    this.#isReliable = true
    this.#expectSigns()
    // Changes before this one were not reported.
    this.#reportChange(IP_FAMILIES)
  }

  /** Has the rules checked, unless nothing is known of their changes: then they are read regularly. */
  #reportChange(families: readonly IpFamily[]): void {
    if (this.#isReliable) for (const family of families) this.#onChange(family)
  }

  #onEnd(reason: string): void {
    if (this.#isStopped) return
    this.#timers.cancel('stable')
    this.#timers.cancel('proof')
    this.#timers.cancel('sign')
    this.#silence.recordSign()
    // The kernel may have had more changes to report than it keeps: these must not wait for the next regular read.
    this.#changes.countUnknown()
    this.#reportChange(IP_FAMILIES)
    this.#isReliable = false
    this.#options.log.info(2, 'Reading rules to notice changes by other programs: xtables-monitor has ended', {
      reason,
      restartMs: this.#restartMs,
    })
    this.#timers.set('restart', this.#restartMs, () => this.start())
    this.#restartMs = Math.min(2 * this.#restartMs, MAX_RESTART_MS)
  }
}
