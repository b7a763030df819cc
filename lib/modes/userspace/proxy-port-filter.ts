import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../netfilter/chain-names.js'
import { PortSetTree, PortTree } from '../../netfilter/tree/port-tree.js'
import { type Link, type Rule } from '../../netfilter/rule-set.js'

/** A port that a listener of ours holds. */
export interface ProxyPort {
  readonly protocol: 'TCP' | 'UDP'
  readonly address: IpAddress
  readonly port: number
  /** Who may come in; undefined: everybody whose packets were translated. */
  readonly sourceRanges: readonly Cidr[] | undefined
}

const COMMENT = 'proxy ports'
const TO_FILTER = { kind: 'jump', chain: PROXY_DOOR } as const
const DROP = { kind: 'DROP' } as const
const FILTER_RULES: readonly Rule[] = [
  { comment: 'translated', connection: 'DNAT', target: { kind: 'ACCEPT' } },
  { comment: 'not translated', protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
  { comment: 'not translated', target: { kind: 'REJECT', with: 'port-unreachable' } },
]

/** Only the first packet of a connection is looked at. */
export function proxyPortLinks(): Link[] {
  const rule: Rule = { comment: COMMENT, connection: 'NEW', target: { kind: 'jump', chain: PROXY_PORTS } }
  return [{ chain: 'INPUT', position: 'first', rule }]
}

/**
 * The doors to our listeners: what was translated comes in, also where the node refuses everything it does not know; what
 * was not, because somebody asks a proxy port itself, is refused, also where the node lets everything in.
 *
 * Ports that are open to everybody are listed in groups; one with source ranges has rules of its own, found by its number
 * like a node port, so that a packet to any port meets few of them.
 */
export class ProxyPortFilter {
  readonly #firewalled = new PortTree<ProxyPort>('KUBE-DOOR-R-', {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf: firewalledRules,
  })
  #openTrees: ReadonlyMap<string, PortSetTree> = new Map()

  /** @param proxyPorts in any order; one may come more than once */
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
    // One address as a rule; while a node changes it, two.
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
      [PROXY_PORTS, built.flatMap(({ root }) => root)],
    ]
  }
}

/** Of the listeners with one port number: as a rule one. */
function firewalledRules(ports: readonly ProxyPort[]): Rule[] {
  const byAddress = new Map(ports.map(port => [port.address, port]))
  return [...byAddress.keys()].sort().flatMap(destination => {
    const { protocol, port, sourceRanges = [] } = byAddress.get(destination)!
    const match = { comment: COMMENT, destination, protocol, destinationPort: port }
    return [...sourceRanges.map(source => ({ ...match, source, target: TO_FILTER })), { ...match, target: DROP }]
  })
}
