import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../rules/chain-names.js'
import { portSetTree } from '../../rules/port-tree.js'
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

/** Only the first packet of a connection is looked at. */
export function doorLinks(): Link[] {
  const rule: Rule = { comment: COMMENT, connection: 'NEW', target: { kind: 'jump', chain: PROXY_PORTS } }
  return [{ chain: 'INPUT', position: 'first', rule }]
}

/**
 * The doors to our listeners: what was translated comes in, also where the node refuses everything it does not know; what
 * was not, because somebody asks a proxy port itself, is refused, also where the node lets everything in.
 */
export function doorChains(proxyPorts: readonly ProxyPort[]): [string, readonly Rule[]][] {
  const toDoor = { kind: 'jump', chain: PROXY_DOOR } as const
  const ranged = proxyPorts
    .filter(port => port.clients !== undefined)
    .flatMap(({ protocol, address, port, clients = [] }): Rule[] => {
      const match = { comment: COMMENT, destination: address, protocol, destinationPort: port }
      return [...clients.map(source => ({ ...match, source, target: toDoor })), { ...match, target: { kind: 'DROP' } }]
    })
  const open = proxyPorts.filter(({ clients }) => clients === undefined)
  // One address as a rule; while a node changes it, two.
  const trees = [...new Set(open.map(({ address }) => address))].map((destination, index) =>
    portSetTree(
      `KUBE-DOOR-${index === 0 ? '' : index}`,
      open.filter(({ address }) => address === destination),
      toDoor,
      { comment: COMMENT, destination },
    ),
  )
  const door: Rule[] = [
    { comment: 'translated', connection: 'DNAT', target: { kind: 'ACCEPT' } },
    { comment: 'not translated', protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
    { comment: 'not translated', target: { kind: 'REJECT', with: 'port-unreachable' } },
  ]
  return [
    ...trees.flatMap(({ chains }): [string, readonly Rule[]][] => [...chains]),
    [PROXY_DOOR, door],
    [PROXY_PORTS, [...ranged, ...trees.flatMap(({ root }) => root)]],
  ]
}
