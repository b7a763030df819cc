import { type AddressConflict } from '../frontends/address-conflicts.js'
import { type ResolvedFrontends } from '../frontends/frontend-table.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { servicePortName } from '../model/service-port.js'
import { OnceReporter } from '../primitives/once-reporter.js'

/** Reports what of the Services is not served, in whatever mode: each problem once, as long as it lasts. */
export class FrontendReporter {
  readonly #log: Log
  readonly #events: EventSink
  readonly #conflicts = new OnceReporter()
  readonly #loops = new OnceReporter()
  readonly #nodeAddresses = new OnceReporter()

  constructor(log: Log, events: EventSink) {
    this.#log = log
    this.#events = events
  }

  report({
    conflicts,
    loopingPorts,
    nodeAddressPorts,
  }: Pick<ResolvedFrontends, 'conflicts' | 'loopingPorts' | 'nodeAddressPorts'>): void {
    this.#loops.update(
      loopingPorts,
      key => key,
      servicePort => this.#log.warn('An endpoint that is an address of a Service itself is left out', { servicePort }),
    )
    this.#nodeAddresses.update(
      nodeAddressPorts,
      key => key,
      servicePort =>
        this.#log.warn('An endpoint that is an address of this node but no Pod is left out', {
          servicePort,
          hint: '--allow-node-address-endpoints serves it, with the rights of the node itself',
        }),
    )
    this.#conflicts.update(
      conflicts,
      ({ loser }) => `${loser.servicePort.key} ${loser.name}`,
      conflict => this.#reportConflict(conflict),
    )
  }

  #reportConflict({ loser, winner, rule }: AddressConflict): void {
    this.#log.warn('Two Services use the same address; one of them is served', {
      address: loser.name,
      notServed: loser.servicePort.key,
      served: winner.servicePort.key,
      rule,
    })
    const note = `gives ${loser.name} to ${servicePortName(winner.servicePort)} and not to ${servicePortName(loser.servicePort)}: ${rule}`
    const { namespace, name } = loser.servicePort
    const regarding = { kind: 'Service', namespace, name } as const
    this.#events.record({ type: 'Warning', reason: 'PortAlreadyAllocated', action: 'Claim', note, regarding })
  }
}
