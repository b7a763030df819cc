import { type IpAddress, type IpFamily } from '../model/address.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ServedPort, type ServiceSnapshot } from '../model/snapshot.js'
import { LoopGuard } from './loop-guard.js'
import { PortalBook } from './portal-book.js'
import { PortalLog } from './portal-log.js'
import { type Portal } from './portals.js'

export interface ServedPortalsOptions {
  /** The node's own addresses of a family, loopback left out. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly events: EventSink
  readonly log: Log
}

/** What is served of a snapshot, alike in every mode: which Service has an address, and which endpoints lead nowhere. */
export class ServedPortals {
  readonly #book = new PortalBook()
  readonly #loopGuard: LoopGuard
  readonly #told: PortalLog

  constructor({ nodeAddresses, events, log }: ServedPortalsOptions) {
    this.#loopGuard = new LoopGuard(nodeAddresses)
    this.#told = new PortalLog(log, events)
  }

  /**
   * @param isServed whether the mode can serve a port at all
   * @returns the snapshot without endpoints that lead back to a Service, and the portals: the same objects while nothing of
   *   them changed
   */
  of(
    snapshot: ServiceSnapshot,
    isServed: (port: ServedPort) => boolean = () => true,
  ): { readonly snapshot: ServiceSnapshot; readonly portals: readonly Portal[] } {
    const { served, conflicts } = this.#book.settle([...snapshot.ports.values()].filter(isServed))
    const { snapshot: guarded, looping } = this.#loopGuard.apply(snapshot, served)
    this.#told.looping(looping)
    this.#told.conflicts(conflicts)
    return { snapshot: guarded, portals: served }
  }
}
