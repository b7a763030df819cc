import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpFamily, hostPort } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type FoundRules } from '../../rules/found-rules.js'
import { asFound, restoreText } from '../../rules/restore-text.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { type Portal, portalRules, proxyPortsOf } from './portal-rules.js'

/** A portal, with the listener that its rules lead to. */
export interface LedPortal {
  readonly portal: Portal
  readonly spec: ListenerSpec
}

/**
 * The portal rules of one IP family: those that are wanted, and those that the kernel may know. While a write is under way,
 * and after one that failed, the kernel may know the old ones and the new ones; listeners of both are then `held`.
 */
export class FamilyRules implements KernelRules {
  readonly family: IpFamily
  readonly #iptables: Iptables
  readonly #log: Log
  #wanted: ReadonlyMap<ServicePortKey, LedPortal> = new Map()
  #ruled: ReadonlyMap<ServicePortKey, LedPortal> = new Map()
  /** What the kernel's rules are, as far as we know. */
  #found: FoundRules = new Map()
  /** Whether the last write succeeded; false before the first, since links and chains have to be there even without Services. */
  #programmed = false

  constructor(iptables: Iptables, log: Log) {
    this.family = iptables.family
    this.#iptables = iptables
    this.#log = log
  }

  /** Reads what is there; gives the proxy ports that an earlier process led to, as `proxyPortsOf`. @throws ProxyFailure */
  async start(): Promise<Map<string, number>> {
    this.#found = await this.#iptables.read(['nat'])
    return proxyPortsOf(this.#found)
  }

  /** Listeners that rules in the kernel may lead to. */
  get held(): ListenerPlan {
    return new Map([...this.#ruled].map(([key, { spec }]) => [key, spec]))
  }

  /** Takes the portals that are wanted from now on. One that is as before, is the same object. */
  want(portals: ReadonlyMap<ServicePortKey, LedPortal>): void {
    this.#wanted = portals
  }

  get pending(): boolean {
    if (!this.#programmed || this.#wanted.size !== this.#ruled.size) return true
    for (const [key, wanted] of this.#wanted) {
      const ruled = this.#ruled.get(key)
      if (ruled !== wanted && (ruled === undefined || saysOf(ruled.portal) !== saysOf(wanted.portal))) return true
    }
    return false
  }

  async program(verify: boolean): Promise<ProgramReport> {
    if (verify) this.#found = await this.#iptables.read(['nat'])
    const wanted = this.#wanted
    // Sorted, so that rules change their place only when something really changes.
    const portals = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { portal }]) => portal)
    const rules = portalRules(this.family, portals)
    const { text, written } = restoreText(rules, this.#found)
    this.#ruled = new Map([...this.#ruled, ...wanted])
    this.#programmed = false
    if (text !== '') {
      if (this.#log.enabled(5)) this.#log.info(5, 'Restoring iptables rules', { family: this.family, rules: text })
      await this.#iptables.restore(text)
      this.#found = asFound(rules)
    }
    this.#ruled = wanted
    this.#programmed = true
    return {
      changed: text !== '',
      rules: [{ table: 'nat', owned: 2 * wanted.size + 2, written: written.get('nat') ?? 0 }],
    }
  }
}

/** What the rules of a portal say; equal text, equal rules. */
function saysOf({ servicePort, address, proxyPort }: Portal): string {
  return `${hostPort(servicePort.clusterIP, servicePort.port)} ${hostPort(address, proxyPort)}`
}
