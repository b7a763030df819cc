import { type IpAddress, IP_FAMILIES, type IpFamily, familyOf, ipBytes, printIp } from '../model/address.js'
import { type Cidr, cidrContains, parseCidr } from '../model/cidr.js'
import { type LayoutRoute, NodeLayout } from './node-layout.js'

/** What is known of a node that is not at hand. */
export interface OfflineNode {
  readonly name: string
  /** Of the Node object, or as the operator gave them. */
  readonly addresses: readonly IpAddress[]
  readonly podRanges: readonly Cidr[]
  /** Addresses of endpoints that the objects place on this node. */
  readonly localEndpoints: readonly IpAddress[]
  /** The families to serve. */
  readonly families: readonly IpFamily[]
}

const UPLINK = 'eth0'
const POD_BRIDGE = 'cni0'
/** The node of the demo, where nothing is known. */
const ASSUMED_ADDRESS: Readonly<Record<IpFamily, IpAddress>> = { IPv4: '192.168.50.1', IPv6: 'fd00:50::1' }
const ASSUMED_PODS: Readonly<Record<IpFamily, string>> = { IPv4: '10.244.0.0/24', IPv6: 'fd00:244::/64' }
const EVERYTHING: Readonly<Record<IpFamily, string>> = { IPv4: '0.0.0.0/0', IPv6: '::/0' }

/**
 * A usual node: its addresses are on `eth0` with the default route, its Pods are on the bridge `cni0`, which has the first address of
 * their range. What is not known is assumed, and named.
 */
export function offlineLayout({ name, addresses, podRanges, localEndpoints, families }: OfflineNode): NodeLayout {
  const assumed: string[] = []
  const own = new Map<IpFamily, readonly IpAddress[]>()
  const ranges = new Map<IpFamily, readonly Cidr[]>()
  for (const family of families) {
    const known = addresses.filter(ip => familyOf(ip) === family)
    const pods = podRanges.filter(range => range.family === family)
    if (known.length === 0) assumed.push(`node address ${ASSUMED_ADDRESS[family]}`)
    if (pods.length === 0) assumed.push(`Pods of the node in ${ASSUMED_PODS[family]}`)
    own.set(family, known.length > 0 ? known : [ASSUMED_ADDRESS[family]])
    ranges.set(family, pods.length > 0 ? pods : [parseCidr(ASSUMED_PODS[family])!])
  }
  const nodeAddresses = [...own.values()].flat()
  const podNetworks = [...ranges.values()].flat()
  const bridgeAddresses = podNetworks.map(firstHost).filter(ip => !nodeAddresses.includes(ip))
  const routes: LayoutRoute[] = [
    ...podNetworks.map(range => ({ range, interfaceName: POD_BRIDGE })),
    ...localEndpoints
      .filter(ip => !nodeAddresses.includes(ip) && !podNetworks.some(range => cidrContains(range, ip)))
      .map(ip => ({ range: hostRange(ip), interfaceName: POD_BRIDGE })),
    ...families.map(family => ({ range: parseCidr(EVERYTHING[family])!, interfaceName: UPLINK })),
  ]
  return new NodeLayout({
    name,
    main: Object.fromEntries(IP_FAMILIES.map(family => [family, own.get(family)?.[0]])),
    addresses: [
      ...nodeAddresses.map(ip => ({ interfaceName: UPLINK, ip })),
      ...bridgeAddresses.map(ip => ({ interfaceName: POD_BRIDGE, ip })),
    ],
    routes,
    localRanges: [],
    podInterfaces: [POD_BRIDGE],
    assumed,
  })
}

/** The first address of a range that a host may have. */
function firstHost({ network, family, bits }: Cidr): IpAddress {
  const bytes = Uint8Array.from(ipBytes(network)!)
  if (bits < (family === 'IPv4' ? 31 : 127)) bytes[bytes.length - 1]! += 1
  return printIp(bytes)
}

function hostRange(ip: IpAddress): Cidr {
  const family = familyOf(ip)
  return { family, network: ip, bits: family === 'IPv4' ? 32 : 128 }
}
