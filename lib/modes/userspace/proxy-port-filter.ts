import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../netfilter/chain-names.js'
import { LINK_COMMENTS, linkToChain } from '../../netfilter/link-to-chain.js'
import { PortSetTree, PortTree } from '../../netfilter/tree/port-tree.js'
import { type Link, type Rule } from '../../netfilter/rule-set.js'

/** A port that a listener is open on. */
export interface ProxyPort {
  readonly protocol: 'TCP' | 'UDP'
  readonly address: IpAddress
  readonly port: number
  /** The sources that are let in; undefined: all, if their packets were translated. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /**
   * The port is a NodePort of the same Service, at an address that serves NodePorts: the translation changes nothing, so the kernel
   * does not regard the packets as translated.
   */
  readonly isNodePort?: boolean
}

const COMMENT = LINK_COMMENTS.proxyPorts
const TO_FILTER = { kind: 'jump', chain: PROXY_DOOR } as const
const DROP = { kind: 'DROP' } as const
const FILTER_RULES: readonly Rule[] = [
  { comment: 'translated', connection: 'DNAT', target: { kind: 'ACCEPT' } },
  // Such as a client's reset for a segment that conntrack did not translate: the listener would take it for one of the connection.
  { comment: 'of no connection', connection: 'INVALID', target: DROP },
  { comment: 'not translated', protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
  { comment: 'not translated', target: { kind: 'REJECT', with: 'port-unreachable' } },
]

/** Sends the first packet of each connection to the filter, and what belongs to none. */
export function proxyPortLinks(): Link[] {
  const match = { comment: COMMENT, connection: ['INVALID', 'NEW'] } as const
  return [linkToChain('INPUT', PROXY_PORTS, match, { staysAbove: 'acceptance' })]
}

/**
 * Protects the proxy ports. Translated packets are accepted, even if the node's firewall drops unknown traffic. All other
 * packets are refused, even if the firewall accepts everything: their sender connects to the proxy port itself.
 *
 * Ports that are open to all sources are listed in groups. A port with source ranges has rules of its own, in a tree by port
 * number as for node ports, so that a packet to any port is compared with few rules. The rare port that is a NodePort comes first.
 */
export class ProxyPortFilter {
  readonly #firewalled = new PortTree<ProxyPort>('KUBE-DOOR-R-', {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf: firewalledRules,
  })
  #openTrees: ReadonlyMap<string, PortSetTree> = new Map()

  /** @param proxyPorts in any order; a port may occur more than once */
  build(proxyPorts: readonly ProxyPort[]): [string, readonly Rule[]][] {
    const firewalled = proxyPorts.filter(({ sourceRanges }) => sourceRanges !== undefined)
    const openPorts = new Map<IpAddress, ProxyPort[]>()
    for (const port of proxyPorts) {
      if (port.sourceRanges !== undefined) continue
      const atAddress = openPorts.get(port.address)
      if (atAddress === undefined) openPorts.set(port.address, [port])
      else atAddress.push(port)
    }
    const trees = new Map<string, PortSetTree>()
    const built = [this.#firewalled.build(firewalled)]
    // Usually one address; two while the node's address changes.
    for (const [index, destination] of [...openPorts.keys()].sort().entries()) {
      const chainPrefix = `KUBE-DOOR-${index === 0 ? '' : index}`
      const name = chainPrefix + destination
      const tree =
        this.#openTrees.get(name) ?? new PortSetTree(chainPrefix, TO_FILTER, { comment: COMMENT, destination })
      trees.set(name, tree)
      built.push(tree.build(openPorts.get(destination)!))
    }
    this.#openTrees = trees
    return [
      ...built.flatMap(({ chains }) => [...chains]),
      [PROXY_DOOR, FILTER_RULES],
      [PROXY_PORTS, [...proxyPorts.flatMap(acceptNodePort), ...built.flatMap(({ root }) => root)]],
    ]
  }
}

/** Lets the clients of a NodePort in that is a proxy port at the same time. */
function acceptNodePort({ protocol, address, port, sourceRanges, isNodePort }: ProxyPort): Rule[] {
  if (isNodePort !== true) return []
  const accept: Rule = {
    comment: 'NodePort',
    destination: address,
    protocol,
    destinationPort: port,
    target: { kind: 'ACCEPT' },
  }
  return sourceRanges === undefined ? [accept] : sourceRanges.map(source => ({ ...accept, source }))
}

/** The rules of all listeners with one port number: usually there is one. */
function firewalledRules(ports: readonly ProxyPort[]): Rule[] {
  const byAddress = new Map(ports.map(port => [port.address, port]))
  return [...byAddress.keys()].sort().flatMap(destination => {
    const { protocol, port, sourceRanges = [] } = byAddress.get(destination)!
    const match = { comment: COMMENT, destination, protocol, destinationPort: port }
    return [...sourceRanges.map(source => ({ ...match, source, target: TO_FILTER })), { ...match, target: DROP }]
  })
}
