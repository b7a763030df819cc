import { type IpFamily } from '../../model/address.js'
import { type LocalAddresses } from '../../model/local-addresses.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServiceSnapshot } from '../../model/snapshot.js'
import { type Iptables } from '../../system/iptables.js'
import { type Proxier } from '../proxier.js'
import { FrontendTable, type ServedFrontends } from '../../frontends/frontend-table.js'
import { FrontendReporter } from '../frontend-reporter.js'
import { IptablesFamily, type IptablesFamilyOptions } from './family.js'

export interface IptablesProxierOptions extends Omit<IptablesFamilyOptions, 'iptables'> {
  /** One for each IP family that the node serves. */
  readonly iptables: readonly Iptables[]
  /** What the kernel delivers to the node itself; the same object while nothing changes. Called at each update. */
  readonly localAddresses: (family: IpFamily) => LocalAddresses
}

/**
 * Lets the kernel translate the packets of clients to endpoints. No connection passes through this process; a snapshot becomes
 * rules, and nothing else.
 */
export class IptablesProxier implements Proxier {
  readonly rules: readonly IptablesFamily[]
  readonly #options: IptablesProxierOptions
  readonly #frontendTable: FrontendTable
  readonly #frontendReporter: FrontendReporter
  #servedKeys: ReadonlySet<ServicePortKey> = new Set()

  constructor(options: IptablesProxierOptions) {
    this.#options = options
    this.#frontendTable = new FrontendTable(options.localAddresses)
    this.#frontendReporter = new FrontendReporter(options.log, options.events)
    this.rules = options.iptables.map(iptables => new IptablesFamily({ ...options, iptables }))
  }

  get served(): ServedFrontends {
    return this.#frontendTable
  }

  async start(): Promise<void> {
    for (const rules of this.rules) await rules.start()
  }

  update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    const resolved = this.#frontendTable.resolve(snapshot)
    this.#frontendReporter.report(resolved)
    const { snapshot: filtered, frontends } = resolved
    if (this.#options.log.enabled(1)) this.#logServiceChanges(filtered)
    for (const rules of this.rules) rules.setDesired(filtered.ports.values(), frontends)
    return Promise.resolve({ failed: 0 })
  }

  #logServiceChanges({ ports }: ServiceSnapshot): void {
    const { log } = this.#options
    for (const [key, { endpoints }] of ports)
      if (!this.#servedKeys.has(key)) log.info(1, 'Serving', { servicePort: key, endpoints: endpoints.length })
    for (const key of this.#servedKeys) if (!ports.has(key)) log.info(1, 'No longer serving', { servicePort: key })
    this.#servedKeys = new Set(ports.keys())
  }
}
