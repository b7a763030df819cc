import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../rules/chain-names.js'
import { PortSetTree, PortTree } from '../../rules/port-tree.js'
import { type Link, type Rule } from '../../rules/rule-set.js'

/** A port that a listener of ours holds. */
export interface ProxyPort {
  readonly protocol: 'TCP' | 'UDP'
  readonly address: IpAddress
  readonly port: number
  /** Who may come in; undefined: everybody whose packets were translated. */
  readonly clients: readonly Cidr[] | undefined
}

const COMMENT = 'proxy ports'
const TO_DOOR = { kind: 'jump', chain: PROXY_DOOR } as const
const DROP = { kind: 'DROP' } as const
const DOOR: readonly Rule[] = [
  { comment: 'translated', connection: 'DNAT', target: { kind: 'ACCEPT' } },
  { comment: 'not translated', protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
  { comment: 'not translated', target: { kind: 'REJECT', with: 'port-unreachable' } },
]

/** Only the first packet of a connection is looked at. */
export function doorLinks(): Link[] {
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
export class DoorChains {
  readonly #ranged = new PortTree<ProxyPort>('KUBE-DOOR-R-', {
    protocolOf: ({ protocol }) => protocol,
    portOf: ({ port }) => port,
    rulesOf: rulesOfRanged,
  })
  #open: ReadonlyMap<string, PortSetTree> = new Map()

  /** @param proxyPorts in any order; one may come more than once */
  of(proxyPorts: readonly ProxyPort[]): [string, readonly Rule[]][] {
    const ranged = proxyPorts.filter(({ clients }) => clients !== undefined)
    const open = new Map<IpAddress, ProxyPort[]>()
    for (const port of proxyPorts) {
      if (port.clients !== undefined) continue
      const atAddress = open.get(port.address)
      if (atAddress === undefined) open.set(port.address, [port])
      else atAddress.push(port)
    }
    const trees = new Map<string, PortSetTree>()
    const grown = [this.#ranged.of(ranged)]
    // One address as a rule; while a node changes it, two.
    for (const [index, destination] of [...open.keys()].sort().entries()) {
      const beginning = `KUBE-DOOR-${index === 0 ? '' : index}`
      const name = beginning + destination
      const tree = this.#open.get(name) ?? new PortSetTree(beginning, TO_DOOR, { comment: COMMENT, destination })
      trees.set(name, tree)
      grown.push(tree.of(open.get(destination)!))
    }
    this.#open = trees
    return [
      ...grown.flatMap(({ chains }) => [...chains]),
      [PROXY_DOOR, DOOR],
      [PROXY_PORTS, grown.flatMap(({ root }) => root)],
    ]
  }
}

/** Of the listeners with one port number: as a rule one. */
function rulesOfRanged(ports: readonly ProxyPort[]): Rule[] {
  const byAddress = new Map(ports.map(port => [port.address, port]))
  return [...byAddress.keys()].sort().flatMap(destination => {
    const { protocol, port, clients = [] } = byAddress.get(destination)!
    const match = { comment: COMMENT, destination, protocol, destinationPort: port }
    return [...clients.map(source => ({ ...match, source, target: TO_DOOR })), { ...match, target: DROP }]
  })
}
