import { type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpFamily, hostPort } from '../../model/address.js'
import { type EventSink } from '../../model/event-sink.js'
import { ProxyFailure, messageOf, systemCode } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { type ObjectName } from '../../model/objects.js'
import { servicePortName } from '../../model/service-port.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { type LoopbackObserver, type ProxyPortObserver } from '../mode.js'
import { countLoopbackListeners } from './node-port-listeners.js'

/** What a `ProxierReporter` reports to. */
export interface ProxierReporterOptions {
  /** One for each IP family that the node serves. */
  readonly iptables: readonly { readonly family: IpFamily }[]
  /** Absent: nothing observes node ports on loopback. */
  readonly loopbackObserver?: LoopbackObserver | undefined
  /** Absent: nothing observes Service ports without a proxy port. */
  readonly proxyPortObserver?: ProxyPortObserver | undefined
  readonly events: EventSink
  readonly log: Log
}

/**
 * Reports what happens to listeners, each fact once, however often the same state comes in. Problems that an operator must
 * know about are events on the Service too. The subject of an event's note is this node: "… does not serve SCTP port 132".
 */
export class ProxierReporter {
  readonly #options: ProxierReporterOptions
  readonly #log: Log
  readonly #events: EventSink
  #specs: ReadonlyMap<string, ListenerSpec> = new Map()
  #openKeys: ReadonlySet<string> = new Set()
  readonly #failures = new OnceReporter()
  readonly #exhausted = new OnceReporter()
  readonly #withoutDescriptor = new OnceReporter()
  readonly #sctp = new OnceReporter()

  constructor(options: ProxierReporterOptions) {
    this.#options = options
    this.#log = options.log
    this.#events = options.events
  }

  /** Logs which listeners were opened, closed or updated since the last call. */
  reportListeners(specs: ReadonlyMap<string, ListenerSpec>, { open }: ListenerReport, snapshot: ServiceSnapshot): void {
    if (this.#log.enabled(1)) this.#logListenerChanges(specs, open, snapshot)
    if (this.#log.enabled(3)) this.#logEndpointChanges(specs)
    this.#specs = specs
    // A listener that is not in the plan stays open until no rule leads to it, but it no longer serves.
    this.#openKeys = new Set([...specs.keys()].filter(key => open.has(key)))
  }

  /**
   * Reports listeners that could not be opened: when the failure begins, not at every attempt. A NodePort whose number another
   * socket has is still served, except for clients that connect to that socket's address on loopback.
   */
  reportFailures(specs: ReadonlyMap<string, ListenerSpec>, report: ListenerReport): void {
    const { failed } = report
    const { iptables, loopbackObserver } = this.#options
    for (const { family } of iptables) {
      const count = countLoopbackListeners(specs, report, family)
      loopbackObserver?.loopbackListeners(family, count.open, count.failed)
    }
    const [withoutDescriptor, others] = [new Map<string, ProxyFailure>(), new Map<string, ProxyFailure>()]
    for (const [key, failure] of failed)
      (failure.code === 'DESCRIPTORS_EXHAUSTED' ? withoutDescriptor : others).set(key, failure)
    this.#reportWithoutDescriptor([...withoutDescriptor])
    this.#failures.update(
      [...others].filter(([key, failure]) => specs.get(key)?.holdsNodePort !== true || !isAddressGone(failure)),
      // One report for all addresses of a NodePort.
      ([key]) => key.split('@', 1)[0]!,
      ([key, failure]) => {
        const spec = specs.get(key)
        const message = spec?.holdsNodePort === true ? 'NodePort is served but not held' : 'Service port is not served'
        this.#log.error(message, failure)
        if (spec === undefined) return
        const reason = spec.holdsNodePort ? 'PortAlreadyAllocated' : 'FailedToListen'
        const service = { namespace: spec.namespace, name: spec.service }
        this.#recordWarning(service, reason, 'Listen', lowercaseFirst(messageOf(failure)))
      },
    )
  }

  /** Reports that a listener leaves its port, because this proxy serves something else there. */
  reportMove(servicePort: string, proxyPort: number): void {
    this.#log.info(1, 'Moving a proxy port: this node serves something else at its number', { servicePort, proxyPort })
  }

  /** Reports service ports for which no proxy port is left: whenever their number changes. */
  reportExhausted(keys: readonly string[]): void {
    this.#options.proxyPortObserver?.servicePortsWithoutPort(keys.length)
    this.#exhausted.updateOne(keys.length === 0 ? undefined : String(keys.length), () => {
      const others = keys.length === 1 ? '' : ` and ${keys.length - 1} more`
      const message = `Cannot listen for ${keys[0]}${others}: no port of --proxy-port-range is left`
      const hint = 'Give a wider --proxy-port-range'
      this.#log.error('Service port is not served', new ProxyFailure('PROXY_PORTS_EXHAUSTED', message, { hint }))
    })
  }

  /** One line for all, when the shortage begins: there may be thousands, and a change of their number is no news. */
  #reportWithoutDescriptor([first, ...others]: readonly (readonly [string, ProxyFailure])[]): void {
    this.#withoutDescriptor.updateOne(first === undefined ? undefined : 'shortage', () => {
      const [, failure] = first!
      this.#log.error('Service ports are not served', failure, { others: others.length })
    })
  }

  /** Reports service ports of protocol SCTP: userspace mode cannot serve them. */
  reportSctp(snapshot: ServiceSnapshot): void {
    const sctpPorts = [...snapshot.ports].filter(([, { servicePort }]) => servicePort.protocol === 'SCTP')
    this.#sctp.update(
      sctpPorts,
      ([key]) => key,
      ([, { servicePort }]) => {
        this.#log.warn('SCTP is not served in userspace mode', { servicePort: servicePortName(servicePort) })
        const note = `does not serve SCTP port ${servicePort.port}: there is no SCTP in userspace mode`
        this.#recordWarning(servicePort, 'ProtocolNotSupported', 'Serve', note)
      },
    )
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
      this.#log.info(3, 'Listener updated', {
        servicePort: key,
        endpoints: spec.endpoints.map(({ ip, port }) => hostPort(ip, port)).join(' '),
        affinitySeconds: spec.affinityMs === undefined ? undefined : spec.affinityMs / 1000,
      })
    }
  }
}

/** The node lost the address, or the kernel still checks it (IPv6): the next attempt knows. */
function isAddressGone({ cause }: ProxyFailure): boolean {
  return systemCode(cause) === 'EADDRNOTAVAIL'
}

function lowercaseFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
