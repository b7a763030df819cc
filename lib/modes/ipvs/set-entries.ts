import { type IpAddress } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type Endpoint } from '../../model/endpoint.js'
import { type Protocol } from '../../model/protocol.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type SetName } from './set-names.js'
import { type VirtualAddress, isPolicyLocal } from './virtual-address.js'

/** One entry of one set. */
export interface SetEntry {
  readonly set: SetName
  readonly entry: string
}

/**
 * The entries of one service port in all sets.
 * @param addresses the addresses that it is served at
 * @param nodeAddresses the node's own addresses
 */
export function setEntries(
  { servicePort, endpoints, usable }: ServedPort,
  addresses: readonly VirtualAddress[],
  nodeAddresses: readonly IpAddress[],
): SetEntry[] {
  const { protocol, healthCheckNodePort } = servicePort
  const entries: SetEntry[] = []
  const add = (set: SetName, entry: string): void => void entries.push({ set, entry })
  for (const virtual of addresses) {
    const { kind, address, port } = virtual
    const isLocal = isPolicyLocal(virtual)
    const entry = formatEntry(address, protocol, port)
    add('KUBE-IPVS-SERVERS', entry)
    if (isLocal && usable.local.length === 0 && usable.hasAny)
      add(kind === 'cluster IP' ? 'KUBE-ELSEWHERE' : 'KUBE-ELSEWHERE-EXTERNAL', entry)
    entries.push(...sourceRangeEntries(virtual, entry, nodeAddresses))
    switch (kind) {
      case 'cluster IP':
        add('KUBE-CLUSTER-IP', entry)
        break
      case 'external IP':
        if (!isLocal) add('KUBE-EXTERNAL-IP', entry)
        break
      case 'load-balancer IP':
        add('KUBE-LOAD-BALANCER', entry)
        if (isLocal) add('KUBE-LOAD-BALANCER-LOCAL', entry)
        break
      case 'node port':
        add(NODE_PORT_SETS[protocol].all, protocol === 'SCTP' ? entry : String(port))
        if (isLocal) add(NODE_PORT_SETS[protocol].local, protocol === 'SCTP' ? entry : String(port))
    }
  }
  if (healthCheckNodePort !== 0) add('KUBE-HEALTH-CHECK-NODE-PORT', String(healthCheckNodePort))
  if (protocol === 'TCP') for (const { ip, port } of endpoints) add('KUBE-ENDPOINTS', formatEntry(ip, protocol, port))
  for (const { ip, port } of localEndpoints(usable)) add('KUBE-LOOP-BACK', `${formatEntry(ip, protocol, port)},${ip}`)
  return entries
}

/** The sets of node ports, by protocol: of all service ports, and of those with external policy Local. */
export const NODE_PORT_SETS = {
  TCP: { all: 'KUBE-NODE-PORT-TCP', local: 'KUBE-NODE-PORT-LOCAL-TCP' },
  UDP: { all: 'KUBE-NODE-PORT-UDP', local: 'KUBE-NODE-PORT-LOCAL-UDP' },
  SCTP: { all: 'KUBE-NODE-PORT-SCTP-HASH', local: 'KUBE-NODE-PORT-LOCAL-SCTP-HASH' },
} as const satisfies Readonly<Record<Protocol, { readonly all: SetName; readonly local: SetName }>>

/** An address and port as an entry of a set: `10.96.0.10,tcp:80`. */
export function formatEntry(address: IpAddress, protocol: Protocol, port: number): string {
  return `${address},${protocol.toLowerCase()}:${port}`
}

/**
 * The sources that are let in. Packets of the node to a load-balancer IP have that IP as their source, because it is one of
 * the node's addresses. They are let in if the node's address is in the ranges, as in kube-proxy.
 */
function sourceRangeEntries(
  { kind, address, servicePort }: VirtualAddress,
  entry: string,
  nodeAddresses: readonly IpAddress[],
): SetEntry[] {
  const { sourceRanges, rangesAtNodePort } = servicePort
  const isFirewalled = kind === 'load-balancer IP' || (kind === 'node port' && rangesAtNodePort)
  if (sourceRanges === undefined || !isFirewalled) return []
  const isNodeAllowed = nodeAddresses.some(ip => sourceRanges.some(range => cidrContains(range, ip)))
  return [
    { set: 'KUBE-LOAD-BALANCER-FW', entry },
    ...sourceRanges.flatMap(splitWholeRange).map(({ family, network, bits }) => {
      const range = bits === (family === 'IPv4' ? 32 : 128) ? network : `${network}/${bits}`
      return { set: 'KUBE-LOAD-BALANCER-SOURCE-CIDR', entry: `${entry},${range}` } as const
    }),
    ...(isNodeAllowed ? [{ set: 'KUBE-LOAD-BALANCER-SOURCE-IP', entry: `${entry},${address}` } as const] : []),
  ]
}

/** A set cannot hold a range of bit length 0, but it can hold the two halves of it. */
function splitWholeRange(range: Cidr): readonly Cidr[] {
  if (range.bits > 0) return [range]
  const upper = range.family === 'IPv4' ? '128.0.0.0' : '8000::'
  return [range.network, upper].map(network => ({ family: range.family, network, bits: 1 }))
}

function localEndpoints({ cluster, local }: ServedPort['usable']): readonly Endpoint[] {
  return [...new Set([...cluster.filter(({ isLocal }) => isLocal), ...local])]
}
