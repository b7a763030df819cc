import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ServicePort, servicePortName } from '../model/service-port.js'
import { OnceReporter } from '../primitives/once-reporter.js'

/** A service port that is not served, because the kernel refuses its rules. */
export interface RefusedService {
  readonly servicePort: ServicePort
  readonly reason: string
}

/** Reports the service ports whose rules the kernel refuses: once each, and when they are served. */
export class RefusalReporter {
  readonly #log: Log
  readonly #events: EventSink
  readonly #reporter = new OnceReporter()

  constructor(log: Log, events: EventSink) {
    this.#log = log
    this.#events = events
  }

  /** @param refused all of them, after each write */
  report(refused: readonly RefusedService[]): void {
    const served = this.#reporter.update(
      refused,
      ({ servicePort }) => servicePort.key,
      each => this.#reportOne(each),
    )
    for (const servicePort of served)
      this.#log.info(0, 'The kernel refuses no rule of this Service any more', { servicePort })
  }

  #reportOne({ servicePort, reason }: RefusedService): void {
    this.#log.warn('Not serving this Service: the kernel refuses one of its rules', {
      servicePort: servicePort.key,
      reason,
      hint: 'Load the kernel module that the rule needs, such as xt_recent for session affinity; the next check of the rules serves it then',
    })
    const { namespace, name } = servicePort
    const note = `cannot serve ${servicePortName(servicePort)} on this node: the kernel refuses one of its rules`
    const regarding = { kind: 'Service', namespace, name } as const
    this.#events.record({ type: 'Warning', reason: 'FailedToWriteRules', action: 'Serve', note, regarding })
  }
}
