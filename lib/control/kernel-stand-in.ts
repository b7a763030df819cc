import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type IptablesProxier } from '../modes/iptables/proxier.js'
import { takeOverTexts } from '../modes/take-over-texts.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { ROUTE_LOCALNET_FILE } from '../system/route-localnet.js'
import { Guard, type LastWill } from './guard.js'
import { NamedTimers } from './named-timers.js'

/** Milliseconds in which changes gather before the guard is told: who is killed within has the kernel serve what was before. */
const GATHER_MS = 1000
/** Of a large cluster all rules are a long text: they may take so many parts of the time. */
const REST_PARTS = 10
/** How long the kernel's taking over may keep the end waiting, in milliseconds. */
const TAKE_OVER_MS = 15_000
const TABLES = ['filter', 'nat', 'mangle']

export interface KernelStandInOptions {
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
export class KernelStandIn {
  readonly #options: KernelStandInOptions
  readonly #guard: Guard
  readonly #timers: NamedTimers<'tell'>
  #telling: Promise<void> = Promise.resolve()
  /** How long it took to tell the guard, in milliseconds. */
  #tellingMs = 0
  /** Whether it is known what is served: before that, what the kernel has is better than nothing. */
  #serves = false

  constructor(options: KernelStandInOptions) {
    this.#options = options
    this.#guard = new Guard(options.log)
    this.#timers = new NamedTimers(options.clock)
  }

  /** Takes note of what is served now. */
  serves(snapshot: ServiceSnapshot): void {
    this.#serves = true
    void this.#options.proxier.update(snapshot)
    this.#timers.set('tell', Math.max(GATHER_MS, REST_PARTS * this.#tellingMs), () => {
      this.#telling = this.#telling.then(() => this.#tellGuard())
    })
  }

  /**
   * Has the kernel take over now; what is served by sockets goes on. A failure is told, and the rules stay as they are, as they
   * do where nothing is known of what is served.
   */
  async takeOver(): Promise<void> {
    this.#timers.stop()
    if (!this.#serves) return this.#guard.standDown()
    const { clock, log } = this.#options
    let callOff = (): void => undefined
    const late = new Promise<never>((_resolve, reject) => {
      callOff = clock.after(TAKE_OVER_MS, () => reject(new Error(`it took longer than ${TAKE_OVER_MS / 1000} s`)))
    })
    try {
      await Promise.race([this.#program(), late])
      log.info(0, 'The kernel serves from now on')
    } catch (error) {
      log.error('The kernel cannot take over: rules stay as they are', error)
    } finally {
      callOff()
      this.#guard.standDown()
    }
  }

  async #program(): Promise<void> {
    const { proxier } = this.#options
    await this.#telling
    await proxier.start()
    for (const rules of proxier.rules) await rules.program(false)
  }

  async #tellGuard(): Promise<void> {
    const { proxier, iptables, clock, log } = this.#options
    const startedAt = clock.now()
    try {
      const wills: LastWill[] = []
      for (const [index, rules] of proxier.rules.entries()) {
        const { restoreCommand: command, chainsAtOnce } = iptables[index]!
        const found = await iptables[index]!.read(TABLES)
        const texts = takeOverTexts('iptables', rules.wanted, found, chainsAtOnce)
        wills.push(...texts.map(text => ({ command, text })))
      }
      if (this.#options.routesLocalnet()) wills.push({ command: ['tee', ROUTE_LOCALNET_FILE], text: '1\n' })
      await this.#guard.write(wills)
    } catch (error) {
      log.warn('The kernel will not take over as it should if this process is killed', { because: messageOf(error) })
    }
    this.#tellingMs = clock.now() - startedAt
  }
}
