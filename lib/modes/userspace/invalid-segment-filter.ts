import { type IpAddress, type IpFamily } from '../../model/address.js'
import { servicePortName } from '../../model/service-port.js'
import { PROXY_INVALID } from '../../netfilter/chain-names.js'
import { LINK_COMMENTS } from '../../netfilter/link-to-chain.js'
import { type Rule, type RuleTree } from '../../netfilter/rule-set.js'
import { AddressTree } from '../../netfilter/tree/address-tree.js'
import { type Port, PortSetTree } from '../../netfilter/tree/port-tree.js'
import { type ProxyPort } from './proxy-port-filter.js'
import { type ResolvedFrontend } from './resolved-frontend.js'

const DROP = { kind: 'DROP' } as const
const COMMENT = { comment: LINK_COMMENTS.invalidSegments } as const

/**
 * Drops TCP segments that conntrack finds invalid, such as those outside of the window: they are not translated.
 *
 * - From a proxy port they would reach the client from an address that it does not know, and it would answer with a reset.
 * - To a NodePort, the node would answer with a reset.
 * - To an address of a Service they would be forwarded or sent to the network, and a host there might answer with a reset.
 *
 * `ProxyPortFilter` drops those to proxy ports.
 */
export class InvalidSegmentFilter {
  readonly #addresses: AddressTree<ResolvedFrontend>
  readonly #nodePorts = new PortSetTree('KUBE-INV-N-', DROP, { ...COMMENT, toThisNode: true, keepsConnection: true })
  /** By the prefix of their chains and the address. */
  #proxyPorts: ReadonlyMap<string, PortSetTree> = new Map()
  /** By number: the tree recognises unchanged ports as the same objects. */
  #ports: ReadonlyMap<number, Port> = new Map()

  constructor(family: IpFamily) {
    this.#addresses = new AddressTree('KUBE-INV-', family, {
      addressOf: ({ frontend }) => frontend.address!,
      rulesOf: resolved => [...resolved].sort((a, b) => a.frontend.port - b.frontend.port).map(addressRule),
    })
  }

  build(
    frontends: readonly ResolvedFrontend[],
    proxyPorts: readonly ProxyPort[],
  ): (readonly [string, readonly Rule[]])[] {
    const tcp = frontends.filter(({ frontend }) => frontend.servicePort.protocol === 'TCP')
    const nodePorts = this.#reusePorts(
      tcp.flatMap(({ frontend: { address, port } }) => (address === undefined ? [port] : [])),
    )
    const trees = [
      ...this.#buildProxyPorts(proxyPorts.filter(({ protocol }) => protocol === 'TCP')),
      this.#nodePorts.build(nodePorts),
      this.#addresses.build(tcp.filter(({ frontend }) => frontend.address !== undefined)),
    ]
    return [...trees.flatMap(({ chains }) => [...chains]), [PROXY_INVALID, trees.flatMap(({ root }) => root)]]
  }

  #reusePorts(numbers: readonly number[]): readonly Port[] {
    this.#ports = new Map(numbers.map(port => [port, this.#ports.get(port) ?? { protocol: 'TCP', port }]))
    return [...this.#ports.values()]
  }

  /** Nothing else of the node sends from the address and port of a listener. */
  #buildProxyPorts(proxyPorts: readonly ProxyPort[]): RuleTree[] {
    const untranslated = new Set(proxyPorts.filter(({ isNodePort }) => isNodePort === true).map(keyOf))
    const byAddress = new Map<IpAddress, ProxyPort[]>()
    for (const proxyPort of proxyPorts) {
      if (untranslated.size > 0 && untranslated.has(keyOf(proxyPort))) continue
      const atAddress = byAddress.get(proxyPort.address)
      if (atAddress === undefined) byAddress.set(proxyPort.address, [proxyPort])
      else atAddress.push(proxyPort)
    }
    const trees = new Map<string, PortSetTree>()
    const built: RuleTree[] = [{ root: proxyPorts.flatMap(nodePortRules), chains: new Map() }]
    // Usually one address; two while the node's address changes.
    for (const [index, source] of [...byAddress.keys()].sort().entries()) {
      const chainPrefix = `KUBE-INV-S${index === 0 ? '' : index}-`
      const name = chainPrefix + source
      const tree = this.#proxyPorts.get(name) ?? new PortSetTree(chainPrefix, DROP, { ...COMMENT, source }, 'source')
      trees.set(name, tree)
      built.push(tree.build(byAddress.get(source)!))
    }
    this.#proxyPorts = trees
    return built
  }
}

function keyOf({ address, port }: ProxyPort): string {
  return `${address} ${port}`
}

/** Segments to clients of a NodePort with the number of its proxy port are right without translation, and may end a connection. */
function nodePortRules({ address: source, port, isNodePort }: ProxyPort): Rule[] {
  if (isNodePort !== true) return []
  return [{ ...COMMENT, source, protocol: 'TCP', sourcePort: port, keepsConnection: true, target: DROP }]
}

/** No other connection uses a ClusterIP. Another host may have an external address: this node served it later, or not at all. */
function addressRule({ frontend: { servicePort, kind, port } }: ResolvedFrontend): Rule {
  return {
    comment: servicePortName(servicePort),
    protocol: 'TCP',
    destinationPort: port,
    ...(kind !== 'cluster IP' && { keepsConnection: true }),
    target: DROP,
  }
}
