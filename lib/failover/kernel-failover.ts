import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type IptablesProxier } from '../modes/iptables/proxier.js'
import { takeOverInputs } from '../modes/take-over-inputs.js'
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
        const texts = takeOverInputs('iptables', rules.desired, observed, maxChainsPerRestore)
        steps.push(...texts.map(input => ({ command, input })))
      }
      if (this.#options.routesLocalnet()) steps.push({ command: ['tee', ROUTE_LOCALNET_FILE], input: '1\n' })
      await this.#failoverProcess.update(steps)
    } catch (error) {
      log.warn('The kernel will not take over as it should if this process is killed', { because: messageOf(error) })
    }
    this.#lastUpdateMs = clock.now() - startedAt
  }
}
