import { type EventSink } from '../../model/event-sink.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { type Iptables } from '../../system/iptables.js'
import { type IpvsTimeouts } from '../../system/ipvs.js'
import { type Proxier } from '../proxier.js'
import { ServedPortals } from '../served-portals.js'
import { IpvsFamily, type IpvsFamilyOptions } from './ipvs-family.js'

/** Milliseconds between looks at real servers that wait for their last connections to end; as in kube-proxy. */
export const SPENT_MS = 60_000

export interface IpvsProxierOptions extends Omit<IpvsFamilyOptions, 'iptables'> {
  /** One for each IP family that is served. */
  readonly iptables: readonly Iptables[]
  readonly timeouts: IpvsTimeouts
  /** Makes the kernel's settings that the mode asks for. Called once, after IPVS was asked for something: then it has them. */
  readonly applySettings: () => void
  readonly events: EventSink
}

/**
 * Serves by IPVS: the kernel balances, and this process says between what. Unlike rules, virtual servers and sets are changed
 * entry by entry, so a change of Services is part of `update`; only what the rules themselves say is left to `program`.
 */
export class IpvsProxier implements Proxier {
  readonly mode = 'ipvs'
  readonly rules: readonly IpvsFamily[]
  readonly #options: IpvsProxierOptions
  readonly #served: ServedPortals
  #cancelLook: (() => void) | undefined

  constructor(options: IpvsProxierOptions) {
    this.#options = options
    this.#served = new ServedPortals(options)
    this.rules = options.iptables.map(iptables => new IpvsFamily({ ...options, iptables }))
  }

  async start(): Promise<void> {
    const { applySettings, timeouts, ipvs } = this.#options
    for (const family of this.rules) await family.start()
    applySettings()
    if (timeouts.tcp + timeouts.tcpFin + timeouts.udp > 0) await ipvs.setTimeouts(timeouts)
  }

  async update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    const wanted = this.#served.of(snapshot)
    for (const family of this.rules) family.want(wanted)
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
    this.#lookLater()
    return { failed: failed.filter(isFailed => isFailed).length }
  }

  /** Ends the waiting for real servers; everything stays in the kernel as it is. */
  stop(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
  }

  #lookLater(): void {
    if (this.#cancelLook !== undefined || !this.rules.some(family => family.isWaiting)) return
    this.#cancelLook = this.#options.clock.after(SPENT_MS, () => void this.#removeSpent())
  }

  async #removeSpent(): Promise<void> {
    for (const family of this.rules) {
      try {
        await family.removeSpent()
      } catch (error) {
        this.#options.log.error('Cannot remove endpoints that are done', error, { family: family.family })
      }
    }
    if (this.#cancelLook === undefined) return
    this.#cancelLook = undefined
    this.#lookLater()
  }
}
