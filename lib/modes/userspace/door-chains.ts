import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../rules/chain-names.js'
import { PortSetTree } from '../../rules/port-tree.js'
import { type Link, type Rule, type RuleTree } from '../../rules/rule-set.js'

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
 */
export class DoorChains {
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
    const grown: RuleTree[] = []
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
      [PROXY_PORTS, [...rulesOfRanged(ranged), ...grown.flatMap(({ root }) => root)]],
    ]
  }
}

function rulesOfRanged(ports: readonly ProxyPort[]): Rule[] {
  const distinct = new Map(ports.map(port => [`${port.protocol} ${port.address} ${port.port}`, port]))
  return [...distinct]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { protocol, address, port, clients = [] }]) => {
      const match = { comment: COMMENT, destination: address, protocol, destinationPort: port }
      return [...clients.map(source => ({ ...match, source, target: TO_DOOR })), { ...match, target: DROP }]
    })
}
