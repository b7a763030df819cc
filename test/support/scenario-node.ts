import { type IpAddress, type IpFamily, familyOf } from '../../lib/model/address.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { type NodeObject } from '../../lib/model/objects.js'
import { type UserspaceProxierOptions } from '../../lib/modes/userspace/proxier.js'
import { type FromPod, includesLoopback, nodePortAddresses } from '../../lib/modes/userspace/surroundings.js'
import { chooseNodeAddress } from '../../lib/system/node-addresses.js'
import { type ScenarioSettings } from './scenario-settings.js'

/** The node of a scenario: its one interface, and what follows from that and from the settings. */
export class ScenarioNode {
  addresses: readonly IpAddress[]
  readonly #settings: ScenarioSettings
  readonly #object: () => NodeObject | undefined

  /** @param object the Node as the API server tells it */
  constructor(settings: ScenarioSettings, object: () => NodeObject | undefined) {
    this.addresses = settings.addresses
    this.#settings = settings
    this.#object = object
  }

  /** What a proxier asks about it. */
  get forProxier(): Pick<
    UserspaceProxierOptions,
    'nodeAddress' | 'nodeAddresses' | 'surroundings' | 'localhostNodePorts'
  > {
    const { nodePortAddresses: wanted, localhostNodePorts } = this.#settings
    return {
      nodeAddress: family => this.addressOf(family),
      nodeAddresses: family => this.#own(family),
      surroundings: family => ({
        fromPods: this.#fromPods(family),
        nodePortAddresses: wanted && nodePortAddresses(wanted, family, this.#own(family), this.addressOf(family)),
      }),
      localhostNodePorts: family => localhostNodePorts && includesLoopback(wanted, family),
    }
  }

  /** The one that listeners use and rules lead to. */
  addressOf(family: IpFamily): IpAddress | undefined {
    const network = {
      addresses: this.addresses.map(ip => ({ interfaceName: 'eth0', ip })),
      defaultInterface: { IPv4: 'eth0', IPv6: 'eth0' },
    }
    return chooseNodeAddress(family, network, this.#object()?.addresses ?? [])
  }

  #own(family: IpFamily): IpAddress[] {
    return this.addresses.filter(ip => familyOf(ip) === family)
  }

  #fromPods(family: IpFamily): FromPod[] {
    return this.#settings.fromPods.flatMap((text): FromPod[] => {
      const source = parseCidr(text)
      if (source === undefined) return [{ inInterface: text }]
      return source.family === family ? [{ source }] : []
    })
  }
}
