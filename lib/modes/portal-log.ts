import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { servicePortName } from '../model/service-port.js'
import { type ClaimConflict } from './claims.js'

/** Tells what of Services is left out, in whatever mode: each thing once, however often the same state is looked at again. */
export class PortalLog {
  readonly #log: Log
  readonly #events: EventSink
  #conflicts: ReadonlySet<string> = new Set()
  #looping: ReadonlySet<string> = new Set()

  constructor(log: Log, events: EventSink) {
    this.#log = log
    this.#events = events
  }

  conflicts(conflicts: readonly ClaimConflict[]): void {
    const told = new Set<string>()
    for (const { portal, winner } of conflicts) {
      const name = `${portal.servicePort.key} ${portal.name}`
      told.add(name)
      if (this.#conflicts.has(name)) continue
      this.#log.warn('An address that two Services claim is given to the older one', {
        address: portal.name,
        notServed: portal.servicePort.key,
        served: winner.servicePort.key,
      })
      const note = `gives ${portal.name} to ${servicePortName(winner.servicePort)}, which is older, and not to ${servicePortName(portal.servicePort)}`
      const { namespace, name: service } = portal.servicePort
      const regarding = { kind: 'Service', namespace, name: service } as const
      this.#events.event({ type: 'Warning', reason: 'PortAlreadyAllocated', action: 'Claim', note, regarding })
    }
    this.#conflicts = told
  }

  /** Service ports of which some endpoint is left out, being an address of a Service. */
  looping(keys: readonly string[]): void {
    for (const servicePort of keys) {
      if (!this.#looping.has(servicePort))
        this.#log.warn('An endpoint that is an address of a Service itself is left out', { servicePort })
    }
    this.#looping = new Set(keys)
  }
}
