import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Cidr, LOOPBACK, cidrContains } from '../model/cidr.js'

/** How a packet shows that it comes from a Pod of this cluster. */
export type LocalMatch = { readonly source: Cidr } | { readonly inInterface: string }

/** What the rules of one IP family depend on besides Services. */
export interface LocalTraffic {
  readonly localMatches: readonly LocalMatch[]
  /** The node's addresses at which node ports are served; undefined: all, also those that come later. */
  readonly nodePortAddresses: readonly IpAddress[] | undefined
}

/**
 * The node's addresses at which node ports are served (services-and-endpoints.md, section 10); undefined: every address. Ranges
 * of the other family say nothing about this one; a range of everything means every address.
 *
 * @param nodeAddresses the node's addresses of the family, loopback left out
 * @param primary its main one
 */
export function resolveNodePortAddresses(
  configured: readonly Cidr[] | 'primary',
  family: IpFamily,
  nodeAddresses: readonly IpAddress[],
  primary: IpAddress | undefined,
): readonly IpAddress[] | undefined {
  if (configured === 'primary') return primary === undefined ? [] : [primary]
  const ranges = configured.filter(range => range.family === family)
  if (ranges.length === 0 || ranges.some(({ bits }) => bits === 0)) return undefined
  return nodeAddresses.filter(ip => ranges.some(range => cidrContains(range, ip)))
}

/** Whether node ports may answer on loopback: not when they are served at some addresses only and loopback is none of them. */
export function includesLoopback(configured: readonly Cidr[] | 'primary' | undefined, family: IpFamily): boolean {
  if (configured === 'primary') return false
  const ranges = configured?.filter(range => range.family === family) ?? []
  const isInLoopback = ({ network }: Cidr): boolean => cidrContains(LOOPBACK[family], network)
  const reachesLoopback = (range: Cidr): boolean => cidrContains(range, LOOPBACK[family].network)
  return ranges.length === 0 || ranges.some(range => isInLoopback(range) || reachesLoopback(range))
}
