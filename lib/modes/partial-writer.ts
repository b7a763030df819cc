import { type Clock } from '../model/clock.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ServicePort } from '../model/service-port.js'
import { type RuleSet } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { type ProgramReport } from './proxier.js'
import { RefusalReporter } from './refusal-reporter.js'
import {
  REFUSAL_CAUSES,
  type Refusal,
  type RefusalCounts,
  isRefusal,
  type RuleOwner,
  RefusedRules,
} from './refused-rules.js'
import { type RuleWriter } from './rule-writer.js'

/** Rules that are written, or left out if the kernel refuses one of them. */
export interface OwnedRules extends RuleOwner {
  readonly servicePort: ServicePort
  /** The address that the rules serve; omitted: all of the service port. */
  readonly frontend?: string
}

/** Builds the complete rules. It asks for each owner whether to leave its rules out. */
export type BuildRules = (isLeftOut: (owned: OwnedRules) => boolean) => RuleSet

export interface PartialWriterOptions {
  readonly iptables: Iptables
  readonly writer: RuleWriter
  readonly events: EventSink
  readonly log: Log
  readonly clock?: Pick<Clock, 'now'> | undefined
  /** The least milliseconds between attempts to write what was left out: each is a process that usually fails. */
  readonly recheckMs: number
}

/** Writes rules, without those of Services that the kernel refuses: it reports them, and tries them again. */
export class PartialWriter {
  readonly #writer: RuleWriter
  readonly #clock: Pick<Clock, 'now'>
  readonly #recheckMs: number
  readonly #refused: RefusedRules
  readonly #reporter: RefusalReporter
  /** All owners at the last attempt, and at the last write that succeeded. */
  #offered: readonly OwnedRules[] = []
  #written: readonly OwnedRules[] = []
  /** What the last write left out. */
  #leftOut: ReadonlyMap<object, OwnedRules & { readonly refusal: Refusal }> = new Map()
  #recheckedAt = 0

  constructor({ iptables, writer, events, log, clock = realClock, recheckMs }: PartialWriterOptions) {
    this.#writer = writer
    this.#clock = clock
    this.#recheckMs = recheckMs
    this.#refused = new RefusedRules(iptables)
    this.#reporter = new RefusalReporter(log, events)
  }

  /** Whether the last write left out the rules of this owner. */
  isLeftOut(owner: object): boolean {
    return this.#leftOut.has(owner)
  }

  /** How many service ports the last write left out. */
  get counts(): RefusalCounts {
    const causes = new Map(
      [...this.#leftOut.values()].map(({ servicePort, refusal }) => [servicePort.key, refusal.cause]),
    )
    return Object.fromEntries(
      REFUSAL_CAUSES.map(cause => [cause, [...causes.values()].filter(each => each === cause).length]),
    ) as RefusalCounts
  }

  /** @throws ProxyFailure if the write failed, and not because of the rules of some Services */
  async write(build: BuildRules): Promise<ProgramReport> {
    try {
      return await this.#attempt(build)
    } catch (error) {
      if (!isRefusal(error) || !(await this.#search())) throw error
      // A part of a large write may have been applied.
      await this.#writer.read()
      return this.#attempt(build)
    }
  }

  /** Tries again what was left out, from time to time. @returns whether the kernel accepts some of it now @throws ProxyFailure */
  async recheck(): Promise<boolean> {
    if (this.#leftOut.size === 0 || this.#clock.now() - this.#recheckedAt < this.#recheckMs) return false
    const isAccepted = await this.#refused.recheck([...this.#leftOut.values()])
    this.#recheckedAt = this.#clock.now()
    return isAccepted
  }

  async #search(): Promise<boolean> {
    const offered = this.#offered.filter(owned => this.#refused.refusalOf(owned) === undefined)
    const written = new Set(this.#written.map(({ owner }) => owner))
    const suspects = offered.filter(({ owner }) => !written.has(owner))
    this.#recheckedAt = this.#clock.now()
    return this.#refused.search(
      suspects,
      offered.filter(({ owner }) => written.has(owner)),
    )
  }

  async #attempt(build: BuildRules): Promise<ProgramReport> {
    const offered: OwnedRules[] = []
    const leftOut = new Map<object, OwnedRules & { readonly refusal: Refusal }>()
    const rules = build(owned => {
      offered.push(owned)
      const refusal = this.#refused.refusalOf(owned)
      if (refusal !== undefined) leftOut.set(owned.owner, { ...owned, refusal })
      return refusal !== undefined
    })
    this.#offered = offered
    const report = await this.#writer.write(rules)
    this.#written = offered.filter(({ owner }) => !leftOut.has(owner))
    this.#leftOut = leftOut
    this.#reporter.report([...leftOut.values()])
    return { ...report, refused: this.counts }
  }
}
