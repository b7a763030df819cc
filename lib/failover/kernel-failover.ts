import { type Clock } from '../model/clock.js'
import { discardEvents } from '../model/event-sink.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type IptablesProxier } from '../modes/iptables/proxier.js'
import { iptablesMode } from '../modes/iptables/mode.js'
import { type Mode, type ModeResources } from '../modes/mode.js'
import { chainOwners } from '../modes/registry.js'
import { takeOverInputs } from '../modes/rule-writer.js'
import { type ChainOwners } from '../netfilter/stale-chains.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { ROUTE_LOCALNET_FILE } from '../system/route-localnet.js'
import { FailoverProcess, type FailoverStep } from './failover-process.js'
import { NamedTimers } from '../primitives/named-timers.js'

/** Milliseconds in which changes gather before the guard is told: who is killed within has the kernel serve what was before. */
const BATCH_DELAY_MS = 1000
/** Of a large cluster all rules are a long text: they may take so many parts of the time. */
const PAUSE_FACTOR = 10
/** How long the kernel's taking over may keep the end waiting, in milliseconds. */
const TAKE_OVER_TIMEOUT_MS = 15_000
const TABLES = ['filter', 'nat', 'mangle']

export interface KernelFailoverOptions {
  /** Not started yet, and used for nothing else. */
  readonly proxier: IptablesProxier
  /** Those that the proxier writes with. */
  readonly iptables: readonly IptablesPrograms[]
  readonly chainOwners: ChainOwners
  /** Whether node ports answer on loopback: the kernel has to be told, then. */
  readonly routesLocalnet: () => boolean
  readonly clock: Clock
  readonly log: Log
}

/**
 * Has the kernel serve in the place of the userspace mode, by the rules of iptables mode: while this process is away on purpose,
 * and, by its guard, when it is killed. The userspace mode takes back when it returns, as from any other mode.
 */
export class KernelFailover {
  readonly #options: KernelFailoverOptions
  readonly #failoverProcess: FailoverProcess
  readonly #timers: NamedTimers<'update'>
  #updating: Promise<void> = Promise.resolve()
  /** How long it took to tell the guard, in milliseconds. */
  #lastUpdateMs = 0
  /** Whether it is known what is served: before that, what the kernel has is better than nothing. */
  #hasSnapshot = false

  /**
   * Makes the failover for a mode that is carried by sockets, if this kernel can serve in its place.
   * @param resources of the mode that serves
   * @throws ProxyFailure MODE_IMPOSSIBLE when it cannot: better now than at the end
   */
  static async create(
    resources: ModeResources,
    iptables: readonly IptablesPrograms[],
    modes?: readonly Mode[],
  ): Promise<KernelFailover> {
    const { config, kernel, node, clock, log } = resources
    const reason = await iptablesMode.probe(config, kernel)
    if (reason !== undefined) {
      const message = `Cannot let the kernel serve on exit, as "--on-exit=kernel" asks, in mode iptables: ${reason}`
      throw new ProxyFailure('MODE_IMPOSSIBLE', message, { hint: 'Add what is missing, or give --on-exit=keep' })
    }
    const owners = chainOwners(iptablesMode.name, modes)
    const proxier = await iptablesMode.createProxier({
      ...resources,
      chainOwners: owners,
      events: discardEvents,
      log: errorsOnly(log),
    })
    const routesLocalnet = () => node.servesNodePortsOnLoopback('IPv4')
    return new KernelFailover({ proxier, iptables, chainOwners: owners, routesLocalnet, clock, log })
  }

  constructor(options: KernelFailoverOptions) {
    this.#options = options
    this.#failoverProcess = new FailoverProcess(options.log)
    this.#timers = new NamedTimers(options.clock)
  }

  /** Takes note of what is served now. */
  update(snapshot: ServiceSnapshot): void {
    this.#hasSnapshot = true
    void this.#options.proxier.update(snapshot)
    this.#timers.set('update', Math.max(BATCH_DELAY_MS, PAUSE_FACTOR * this.#lastUpdateMs), () => {
      this.#updating = this.#updating.then(() => this.#updateFailoverProcess())
    })
  }

  /**
   * Has the kernel take over now; what is served by sockets goes on. A failure is told, and the rules stay as they are, as they
   * do where nothing is known of what is served.
   */
  async takeOver(): Promise<void> {
    this.#timers.stop()
    if (!this.#hasSnapshot) return this.#failoverProcess.disarm()
    const { clock, log } = this.#options
    let cancel = (): void => undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(TAKE_OVER_TIMEOUT_MS, () =>
        reject(new Error(`it took longer than ${TAKE_OVER_TIMEOUT_MS / 1000} s`)),
      )
    })
    try {
      await Promise.race([this.#program(), timeout])
      log.info(0, 'The kernel serves from now on')
    } catch (error) {
      log.error('The kernel cannot take over: rules stay as they are', error)
    } finally {
      cancel()
      this.#failoverProcess.disarm()
    }
  }

  async #program(): Promise<void> {
    const { proxier } = this.#options
    await this.#updating
    await proxier.start()
    for (const rules of proxier.rules) await rules.program(false)
  }

  async #updateFailoverProcess(): Promise<void> {
    const { proxier, iptables, clock, log } = this.#options
    const startedAt = clock.now()
    try {
      const steps: FailoverStep[] = []
      for (const [index, rules] of proxier.rules.entries()) {
        const { restoreCommand: command, maxChainsPerRestore } = iptables[index]!
        const observed = await iptables[index]!.read(TABLES)
        const texts = takeOverInputs(rules.desired, observed, this.#options.chainOwners, maxChainsPerRestore)
        steps.push(...texts.map(input => ({ command, input })))
      }
      if (this.#options.routesLocalnet()) steps.push({ command: ['tee', ROUTE_LOCALNET_FILE], input: '1\n' })
      await this.#failoverProcess.update(steps)
    } catch (error) {
      log.warn('Could not update the failover script; after a crash the kernel would serve outdated rules', {
        reason: messageOf(error),
      })
    }
    this.#lastUpdateMs = clock.now() - startedAt
  }
}

/** The mode that serves reports what concerns Services; the failover reports only its own errors. */
function errorsOnly(log: Log): Log {
  return {
    info: () => undefined,
    warn: () => undefined,
    error: (...args) => log.error(...args),
    enabled: () => false,
  }
}
