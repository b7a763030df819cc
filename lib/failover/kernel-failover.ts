import { type Clock } from '../model/clock.js'
import { discardEvents } from '../model/event-sink.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type IptablesProxier } from '../modes/iptables/proxier.js'
import { iptablesMode } from '../modes/iptables/mode.js'
import { type Mode, type ModeResources } from '../modes/mode.js'
import { probeMode } from '../modes/probe-mode.js'
import { chainOwners } from '../modes/registry.js'
import { takeOverInputs } from '../modes/rule-writer.js'
import { type ChainOwners } from '../netfilter/stale-chains.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { pathToWrite } from '../system/kernel-files.js'
import { kernelTools } from '../system/kernel-tools.js'
import { readPresentTables } from '../system/read-present-tables.js'
import { ROUTE_LOCALNET_FILE } from '../system/route-localnet.js'
import { NamedTimers } from '../primitives/named-timers.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { whenAborted } from '../primitives/aborted.js'
import { abandonableIptables } from './abandonable-iptables.js'
import { FailoverProcess, type FailoverStep } from './failover-process.js'
import { takeOver } from './take-over.js'

/**
 * Milliseconds that a change waits for others before the failover script is updated. If this process is killed meanwhile, the
 * kernel serves the state before the change.
 */
const BATCH_DELAY_MS = 1000
/** The script of a large cluster is long. The pause before an update is at least this many times as long as the last update took. */
const PAUSE_FACTOR = 10
const TABLES = ['filter', 'nat', 'mangle']

export interface KernelFailoverOptions {
  /** Not started, and used by nothing else. */
  readonly proxier: IptablesProxier
  /** The same that the proxier uses. */
  readonly iptables: readonly IptablesPrograms[]
  /** When it is aborted, the proxier writes no more. */
  readonly abandon: AbortController
  readonly chainOwners: ChainOwners
  /** Whether NodePorts answer on loopback; that requires a setting of the kernel. */
  readonly routesLocalnet: () => boolean
  /** Whether a failover process waits for the case that this process is killed. */
  readonly afterCrash: boolean
  /** The format of the line that the failover process writes. */
  readonly logFormat: 'text' | 'json'
  readonly clock: Clock
  readonly log: Log
}

/** Lets the kernel serve while no proxy in userspace mode does. */
export interface Failover {
  /** Takes the snapshot that is served now. */
  update(snapshot: ServiceSnapshot): void
  /** Finds out whether the kernel of this node can serve, if that is not known yet. Never rejects; it logs why it cannot. */
  prepare(): Promise<boolean>
  /**
   * Lets the kernel serve new connections from now on; sockets keep serving the open ones. Never rejects; it logs a failure. Call it when
   * nothing else writes rules. Resolves when no write of it runs any more.
   * @param abandon aborted when something else writes rules from now on: a write that has begun ends, no other begins
   * @returns whether the kernel serves; if not, it may serve some of the families
   */
  takeOver(abandon: AbortSignal): Promise<boolean>
  /** Ends without letting the kernel serve, also if this process is killed later. */
  disarm(): void
}

/**
 * Lets the kernel serve with the rules of iptables mode while this process is down: after a regular shutdown, and, with the help
 * of the failover process, after a crash. When this process runs again, it takes over as from any other mode.
 */
export class KernelFailover implements Failover {
  readonly #options: KernelFailoverOptions
  readonly #failoverProcess: FailoverProcess | undefined
  readonly #timers: NamedTimers<'update'>
  readonly #updates = new SerialQueue()
  /** How long the last update of the failover script took, in milliseconds. */
  #lastUpdateMs = 0
  /** False before the first sync. Until then the rules that the kernel has are better than none. */
  #hasSnapshot = false

  /**
   * Makes the failover for a mode whose traffic is carried by sockets.
   * @param resources those of the mode that serves
   * @param modes all modes; left out: those of the registry
   * @param afterCrash whether a failover process waits for the case that this process is killed
   * @throws ProxyFailure MODE_IMPOSSIBLE if iptables mode does not work on this node; the operator learns it at the start
   */
  static async create(
    resources: ModeResources,
    iptables: readonly IptablesPrograms[],
    modes: readonly Mode[] | undefined,
    afterCrash: boolean,
  ): Promise<KernelFailover> {
    const { config, kernel, node, clock, log } = resources
    const reason = await probeMode(iptablesMode, config, kernel)
    if (reason !== undefined) {
      const message = `Cannot let the kernel serve on exit, in mode iptables: ${reason}`
      throw new ProxyFailure('MODE_IMPOSSIBLE', message, { hint: 'Install what is missing, or set --on-exit=keep' })
    }
    const owners = chainOwners(iptablesMode.name, modes)
    const quietLog = errorsOnly(log)
    const abandon = new AbortController()
    const proxier = await iptablesMode.createProxier({
      ...resources,
      kernel: kernelTools(
        iptables.map(each => abandonableIptables(each, abandon.signal)),
        quietLog,
      ),
      chainOwners: owners,
      events: discardEvents,
      log: quietLog,
    })
    const routesLocalnet = () => node.servesNodePortsOnLoopback('IPv4')
    const { logFormat } = config
    const parts = { proxier, iptables, abandon, chainOwners: owners, routesLocalnet, clock, log }
    return new KernelFailover({ ...parts, afterCrash, logFormat })
  }

  constructor(options: KernelFailoverOptions) {
    this.#options = options
    const { afterCrash, clock, log, logFormat } = options
    this.#failoverProcess = afterCrash ? new FailoverProcess(clock, log, logFormat) : undefined
    this.#timers = new NamedTimers(options.clock)
  }

  update(snapshot: ServiceSnapshot): void {
    this.#hasSnapshot = true
    void this.#options.proxier.update(snapshot)
    if (this.#failoverProcess === undefined) return
    this.#timers.set('update', Math.max(BATCH_DELAY_MS, PAUSE_FACTOR * this.#lastUpdateMs), () => {
      void this.#updates.run(() => this.#updateScript())
    })
  }

  /** Known since it was created. */
  prepare(): Promise<boolean> {
    return Promise.resolve(true)
  }

  /** If nothing has been served yet, the kernel keeps the rules that it has. */
  async takeOver(abandon: AbortSignal): Promise<boolean> {
    const { proxier, clock, log } = this.#options
    whenAborted(abandon, () => this.#options.abandon.abort())
    try {
      if (!this.#hasSnapshot) return false
      this.#timers.stop()
      await this.#updates.idle()
      return await takeOver(proxier.rules, { abandon, clock, log })
    } finally {
      this.disarm()
    }
  }

  disarm(): void {
    this.#timers.stop()
    this.#failoverProcess?.disarm()
  }

  async #updateScript(): Promise<void> {
    const { proxier, iptables, clock, log } = this.#options
    const startedAt = clock.now()
    try {
      const steps: FailoverStep[] = []
      for (const [index, rules] of proxier.rules.entries()) {
        const { restoreCommand: command, maxChainsPerRestore } = iptables[index]!
        const observed = await readPresentTables(iptables[index]!, TABLES)
        const inputs = takeOverInputs(rules.desired, observed, this.#options.chainOwners, maxChainsPerRestore)
        steps.push(...inputs.map(input => ({ command, input })))
      }
      if (this.#options.routesLocalnet())
        steps.push({ command: ['tee', pathToWrite(ROUTE_LOCALNET_FILE)], input: '1\n' })
      await this.#failoverProcess?.update(steps)
    } catch (error) {
      log.warn('Cannot update the failover script; after a crash the kernel would serve outdated rules', {
        reason: messageOf(error),
      })
    }
    this.#lastUpdateMs = clock.now() - startedAt
  }
}

/** The mode that serves logs problems of Services and of the node. The failover logs only its own errors. */
function errorsOnly(log: Log): Log {
  return {
    info: () => undefined,
    warn: () => undefined,
    error: (...args) => log.error(...args),
    enabled: () => false,
  }
}
