import { type IpAddress } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { PROXY_DOOR, PROXY_PORTS } from '../../rules/chain-names.js'
import { type Link, type Rule } from '../../rules/rule-set.js'

/** A port that a listener of ours holds. */
export interface ProxyPort {
  readonly protocol: 'TCP' | 'UDP'
  readonly address: IpAddress
  readonly port: number
  /** Who may come in; undefined: everybody whose packets were translated. */
  readonly clients: readonly Cidr[] | undefined
}

/** As many as the multiport match takes. */
const PORTS_IN_A_RULE = 15
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
export function doorChains(proxyPorts: readonly ProxyPort[]): [string, Rule[]][] {
  const toDoor = { kind: 'jump', chain: PROXY_DOOR } as const
  const ranged = proxyPorts
    .filter(port => port.clients !== undefined)
    .flatMap(({ protocol, address, port, clients = [] }): Rule[] => {
      const match = { comment: COMMENT, destination: address, protocol, destinationPort: port }
      return [...clients.map(source => ({ ...match, source, target: toDoor })), { ...match, target: { kind: 'DROP' } }]
    })
  const open: Rule[] = []
  for (const protocol of ['TCP', 'UDP'] as const) {
    const ports = proxyPorts.filter(port => port.protocol === protocol && port.clients === undefined)
    for (const destination of new Set(ports.map(({ address }) => address))) {
      for (const destinationPorts of groups(ports.filter(({ address }) => address === destination))) {
        open.push({ comment: COMMENT, destination, protocol, destinationPorts, target: toDoor })
      }
    }
  }
  const door: Rule[] = [
    { comment: 'translated', connection: 'DNAT', target: { kind: 'ACCEPT' } },
    { comment: 'not translated', protocol: 'TCP', target: { kind: 'REJECT', with: 'tcp-reset' } },
    { comment: 'not translated', target: { kind: 'REJECT', with: 'port-unreachable' } },
  ]
  return [
    [PROXY_DOOR, door],
    [PROXY_PORTS, [...ranged, ...open]],
  ]
}

function groups(proxyPorts: readonly ProxyPort[]): number[][] {
  const sorted = proxyPorts.map(({ port }) => port).sort((a, b) => a - b)
  return Array.from({ length: Math.ceil(sorted.length / PORTS_IN_A_RULE) }, (_, index) =>
    sorted.slice(index * PORTS_IN_A_RULE, (index + 1) * PORTS_IN_A_RULE),
  )
}
