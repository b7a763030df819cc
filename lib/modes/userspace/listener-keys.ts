import { type ServicePortKey } from '../../model/service-port.js'
import { type TrafficClass } from '../../frontends/frontend.js'
import { listenerKey } from './traffic-classes.js'

/**
 * The current key of each listener of a traffic class. A listener that leaves its port continues under another key, so that the old
 * one can stay open until no rule leads to it, and its connections until they end.
 */
export class ListenerKeys {
  /** By the key without moves. */
  readonly #moves = new Map<string, { readonly servicePort: ServicePortKey; readonly count: number }>()
  /** How often the listeners that moved since the last `settle` had moved before that. */
  readonly #before = new Map<string, number>()

  /** The key of a listener now. */
  of(servicePort: ServicePortKey, trafficClass: TrafficClass): string {
    const key = listenerKey(servicePort, trafficClass)
    const move = this.#moves.get(key)
    return move === undefined || move.count === 0 ? key : `${key}#moved-${move.count}`
  }

  /** Gives a listener another key. */
  move(servicePort: ServicePortKey, trafficClass: TrafficClass): void {
    const key = listenerKey(servicePort, trafficClass)
    const before = this.#moves.get(key)?.count ?? 0
    this.#moves.set(key, { servicePort, count: before + 1 })
    if (!this.#before.has(key)) this.#before.set(key, before)
  }

  /**
   * Takes back the moves since the last call whose listeners are not open: it is better to serve at the old port than not at all.
   * @returns whether there were any
   */
  settle(isOpen: (key: string) => boolean): boolean {
    let isChanged = false
    for (const [key, before] of this.#before) {
      const move = this.#moves.get(key)
      if (move === undefined || isOpen(`${key}#moved-${move.count}`)) continue
      this.#moves.set(key, { ...move, count: before })
      isChanged = true
    }
    this.#before.clear()
    return isChanged
  }

  /** Forgets the listeners of service ports that are gone. */
  retain(servicePorts: Pick<ReadonlySet<ServicePortKey>, 'has'>): void {
    for (const [key, { servicePort }] of this.#moves) if (!servicePorts.has(servicePort)) this.#moves.delete(key)
  }
}
