import { type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { hostPort } from '../../model/address.js'
import { type EventSink } from '../../model/event-sink.js'
import { ProxyFailure, messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { type ObjectName } from '../../model/objects.js'
import { servicePortName } from '../../model/service-port.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'

/**
 * Tells what becomes of service ports, each thing once, however often the same state is looked at again. What an operator
 * must know of is an event on the Service too; its note has this node for a subject.
 */
export class ProxierReporter {
  readonly #log: Log
  readonly #events: EventSink
  #specs: ReadonlyMap<string, ListenerSpec> = new Map()
  #openKeys: ReadonlySet<string> = new Set()
  #reportedFailures: ReadonlySet<string> = new Set()
  #reportedSctp: ReadonlySet<string> = new Set()
  #reportedExhausted = 0

  constructor(log: Log, events: EventSink) {
    this.#log = log
    this.#events = events
  }

  /** Which listeners opened, went, or got other endpoints or another affinity since the last call. */
  reportListeners(specs: ReadonlyMap<string, ListenerSpec>, { open }: ListenerReport, snapshot: ServiceSnapshot): void {
    if (this.#log.enabled(1)) this.#logListenerChanges(specs, open, snapshot)
    if (this.#log.enabled(3)) this.#logEndpointChanges(specs)
    this.#specs = specs
    // A listener that is only held until its rule is gone is not serving any more.
    this.#openKeys = new Set([...specs.keys()].filter(key => open.has(key)))
  }

  /** Listeners that could not be opened: when they begin to fail, not at every try. */
  reportFailures(specs: ReadonlyMap<string, ListenerSpec>, { failed }: ListenerReport): void {
    for (const [key, failure] of failed) {
      if (this.#reportedFailures.has(key)) continue
      this.#log.error('Service port is not served', failure)
      const spec = specs.get(key)
      if (spec === undefined) continue
      const reason = spec.holdsNodePort ? 'PortAlreadyAllocated' : 'FailedToListen'
      this.#recordWarning(
        { namespace: spec.namespace, name: spec.service },
        reason,
        'Listen',
        lowercaseFirst(messageOf(failure)),
      )
    }
    this.#reportedFailures = new Set(failed.keys())
  }

  /** Service ports that no proxy port was left for: when their number changes. */
  reportExhausted(keys: readonly string[]): void {
    if (keys.length !== this.#reportedExhausted && keys.length > 0) {
      const others = keys.length === 1 ? '' : ` and ${keys.length - 1} more`
      const message = `Cannot listen for ${keys[0]}${others}: no port of --proxy-port-range is left`
      const hint = 'Give a wider --proxy-port-range'
      this.#log.error('Service port is not served', new ProxyFailure('PROXY_PORTS_EXHAUSTED', message, { hint }))
    }
    this.#reportedExhausted = keys.length
  }

  reportSctp(snapshot: ServiceSnapshot): void {
    const reported = new Set<string>()
    for (const [key, { servicePort }] of snapshot.ports) {
      if (servicePort.protocol !== 'SCTP') continue
      reported.add(key)
      if (this.#reportedSctp.has(key)) continue
      this.#log.warn('SCTP is not served in userspace mode', { servicePort: servicePortName(servicePort) })
      const note = `does not serve SCTP port ${servicePort.port}: there is no SCTP in userspace mode`
      this.#recordWarning(servicePort, 'ProtocolNotSupported', 'Serve', note)
    }
    this.#reportedSctp = reported
  }

  #recordWarning({ namespace, name }: ObjectName, reason: string, action: string, note: string): void {
    this.#events.record({ type: 'Warning', reason, action, note, regarding: { kind: 'Service', namespace, name } })
  }

  #logListenerChanges(
    specs: ReadonlyMap<string, ListenerSpec>,
    open: ReadonlyMap<string, number>,
    snapshot: ServiceSnapshot,
  ): void {
    for (const [key, spec] of specs) {
      const proxyPort = open.get(key)
      if (proxyPort === undefined || this.#openKeys.has(key)) continue
      const servicePort = snapshot.ports.get(key)?.servicePort
      const clusterIP = servicePort === undefined ? undefined : hostPort(servicePort.clusterIP, servicePort.port)
      this.#log.info(1, 'Serving', { servicePort: key, clusterIP, proxyPort, endpoints: spec.endpoints.length })
    }
    for (const key of this.#specs.keys()) {
      if (!specs.has(key)) this.#log.info(1, 'No longer serving', { servicePort: key })
    }
  }

  #logEndpointChanges(specs: ReadonlyMap<string, ListenerSpec>): void {
    for (const [key, spec] of specs) {
      if (this.#specs.get(key) === spec) continue
      this.#log.info(3, 'Endpoints', {
        servicePort: key,
        endpoints: spec.endpoints.map(({ ip, port }) => hostPort(ip, port)).join(' '),
        affinitySeconds: spec.affinityMs === undefined ? undefined : spec.affinityMs / 1000,
      })
    }
  }
}

function lowercaseFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
