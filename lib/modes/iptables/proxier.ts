import { type EventSink } from '../../model/event-sink.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { type Iptables } from '../../system/iptables.js'
import { type Proxier } from '../proxier.js'
import { ServedPortals } from '../served-portals.js'
import { IptablesRules, type IptablesRulesOptions } from './iptables-rules.js'

export interface IptablesProxierOptions extends Omit<IptablesRulesOptions, 'iptables'> {
  /** One for each IP family that is served. */
  readonly iptables: readonly Iptables[]
  readonly events: EventSink
}

/**
 * Has the kernel translate the packets of clients straight to endpoints: no connection passes through this process, and all
 * that a snapshot asks for is rules.
 */
export class IptablesProxier implements Proxier {
  readonly mode = 'iptables'
  readonly rules: readonly IptablesRules[]
  readonly #options: IptablesProxierOptions
  readonly #served: ServedPortals
  #keys: ReadonlySet<ServicePortKey> = new Set()

  constructor(options: IptablesProxierOptions) {
    this.#options = options
    this.#served = new ServedPortals(options)
    this.rules = options.iptables.map(iptables => new IptablesRules({ ...options, iptables }))
  }

  async start(): Promise<void> {
    for (const rules of this.rules) await rules.start()
  }

  update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    const { snapshot: guarded, portals } = this.#served.of(snapshot)
    if (this.#options.log.enabled(1)) this.#tellComingAndGoing(guarded)
    for (const rules of this.rules) rules.want(guarded.ports.values(), portals)
    return Promise.resolve({ failed: 0 })
  }

  #tellComingAndGoing({ ports }: ServiceSnapshot): void {
    const { log } = this.#options
    for (const [key, { endpoints }] of ports)
      if (!this.#keys.has(key)) log.info(1, 'Serving', { servicePort: key, endpoints: endpoints.length })
    for (const key of this.#keys) if (!ports.has(key)) log.info(1, 'No longer serving', { servicePort: key })
    this.#keys = new Set(ports.keys())
  }
}
