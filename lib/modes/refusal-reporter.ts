import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ServicePort, servicePortName } from '../model/service-port.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type Refusal, type RefusalCause } from './refused-rules.js'

/** A service port, or one of its addresses, that is not served because the kernel refuses its rules. */
export interface RefusedService {
  readonly servicePort: ServicePort
  /** The address; omitted: all of them. */
  readonly frontend?: string
  readonly refusal: Refusal
}

const HINTS: Readonly<Record<RefusalCause, string>> = {
  kind: 'Load the kernel module that the rule needs, such as xt_recent for session affinity; the next check of the rules serves it then',
  rule: 'Change what the message quotes; the proxy tries again when the Service changes, and at later checks of the rules',
  unresolved: 'The kernel refuses a rule of this Service or of others; later checks of the rules find out which',
}

/** Reports what the kernel refuses the rules of: once each, and when it is served. */
export class RefusalReporter {
  readonly #log: Log
  readonly #events: EventSink
  readonly #reporter = new OnceReporter()
  /** By the key of the report. */
  #refused: ReadonlyMap<string, RefusedService> = new Map()

  constructor(log: Log, events: EventSink) {
    this.#log = log
    this.#events = events
  }

  /** @param refused all of them, after each write */
  report(refused: readonly RefusedService[]): void {
    const before = this.#refused
    this.#refused = new Map(refused.map(each => [keyOf(each), each]))
    const served = this.#reporter.update(
      this.#refused,
      ([key]) => key,
      ([, each]) => this.#reportOne(each),
    )
    for (const key of served) {
      const { servicePort, frontend } = before.get(key)!
      this.#log.info(0, 'The kernel refuses no rule of this Service any more', {
        servicePort: servicePort.key,
        frontend,
      })
    }
  }

  #reportOne({ servicePort, frontend, refusal: { cause, reason } }: RefusedService): void {
    const what = frontend === undefined ? 'this Service' : 'this address of a Service'
    this.#log.warn(`Not serving ${what}: the kernel refuses one of its rules`, {
      servicePort: servicePort.key,
      frontend,
      reason,
      hint: HINTS[cause],
    })
    const { namespace, name } = servicePort
    const place = frontend === undefined ? '' : `, ${frontend},`
    const note = `cannot serve ${servicePortName(servicePort)}${place} on this node: the kernel refuses one of its rules`
    const regarding = { kind: 'Service', namespace, name } as const
    this.#events.record({ type: 'Warning', reason: 'FailedToWriteRules', action: 'Serve', note, regarding })
  }
}

function keyOf({ servicePort, frontend = '' }: RefusedService): string {
  return `${servicePort.key} ${frontend}`
}
