import { type IpFamily } from '../../model/address.js'
import { type EventSink } from '../../model/event-sink.js'
import { type LocalAddresses } from '../../model/local-addresses.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { type Iptables } from '../../system/iptables.js'
import { type IpvsTimeouts } from '../../system/ipvs.js'
import { NamedTimers } from '../../primitives/named-timers.js'
import { type Proxier } from '../proxier.js'
import { FrontendTable, type ServedFrontends } from '../../frontends/frontend-table.js'
import { FrontendReporter } from '../frontend-reporter.js'
import { IpvsFamily, type IpvsFamilyOptions } from './family.js'

/** Milliseconds between checks whether the last connections of removed real servers have closed, as in kube-proxy. */
export const DRAIN_CHECK_MS = 60_000

export interface IpvsProxierOptions extends Omit<IpvsFamilyOptions, 'iptables'> {
  /** One for each IP family that the node serves. */
  readonly iptables: readonly Iptables[]
  readonly timeouts: IpvsTimeouts
  /** Applies kernel settings for the mode. Called once, after the first use of IPVS, which loads the module that has these settings. */
  readonly applySettings: () => void
  /** What the kernel delivers to the node itself; the same object while nothing changes. Called at each update. */
  readonly localAddresses: (family: IpFamily) => LocalAddresses
  readonly events: EventSink
}

/**
 * Lets IPVS serve: the kernel balances connections between the real servers that this process configures. Virtual servers and sets
 * are changed entry by entry, unlike rules. So `update` applies a change of Services, and `program` only writes rules.
 */
export class IpvsProxier implements Proxier {
  readonly rules: readonly IpvsFamily[]
  readonly #options: IpvsProxierOptions
  readonly #frontendTable: FrontendTable
  readonly #frontendReporter: FrontendReporter
  readonly #timers: NamedTimers<'check'>
  #checking: Promise<void> = Promise.resolve()

  constructor(options: IpvsProxierOptions) {
    this.#options = options
    this.#timers = new NamedTimers(options.clock)
    this.#frontendTable = new FrontendTable(options.localAddresses)
    this.#frontendReporter = new FrontendReporter(options.log, options.events)
    this.rules = options.iptables.map(iptables => new IpvsFamily({ ...options, iptables }))
  }

  get served(): ServedFrontends {
    return this.#frontendTable
  }

  async start(): Promise<void> {
    const { applySettings, timeouts, ipvs } = this.#options
    for (const family of this.rules) await family.start()
    applySettings()
    if (timeouts.tcp + timeouts.tcpFin + timeouts.udp > 0) await ipvs.setTimeouts(timeouts)
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    const desired = this.#frontendTable.resolve(snapshot)
    this.#frontendReporter.report(desired)
    for (const family of this.rules) family.setDesired(desired)
    const failed = await Promise.all(
      this.rules.map(async family => {
        try {
          await family.apply()
          return false
        } catch (error) {
          this.#options.log.error('Cannot change virtual servers', error, { family: family.family })
          return true
        }
      }),
    )
    this.#scheduleCheck()
    return { failed: failed.filter(isFailed => isFailed).length }
  }

  /** Ends the checks of real servers; the kernel stays unchanged. An update that runs still starts none. */
  async stop(): Promise<void> {
    this.#timers.stop()
    await this.#checking
  }

  #scheduleCheck(): void {
    if (!this.rules.some(family => family.isDraining)) return
    this.#timers.set('check', DRAIN_CHECK_MS, () => {
      this.#checking = this.#removeDrained()
    })
  }

  async #removeDrained(): Promise<void> {
    for (const family of this.rules) {
      try {
        await family.removeDrained()
      } catch (error) {
        this.#options.log.error('Cannot remove drained endpoints', error, { family: family.family })
      }
    }
    this.#scheduleCheck()
  }
}
