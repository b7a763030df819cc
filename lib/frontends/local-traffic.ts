import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Cidr, LOOPBACK, cidrContains } from '../model/cidr.js'

/** How the node recognises packets from Pods of this cluster: by source range, or by the interface they came in by. */
export type LocalMatch = { readonly source: Cidr } | { readonly inInterface: string }

/** What counts as local to the node, in one IP family. Rules depend on it besides Services. */
export interface LocalTraffic {
  /** A packet that meets one of these comes from a Pod of this cluster. None: Pods are not recognised. */
  readonly localMatches: readonly LocalMatch[]
  /** The node's addresses that serve node ports; undefined: all addresses, also ones that are added later. */
  readonly nodePortAddresses: readonly IpAddress[] | undefined
}

/**
 * The node's addresses that serve node ports (kube-proxy: NodePortAddresses); undefined: every address. Ranges of the
 * other family do not matter for this one. A range of everything means every address.
 *
 * @param nodeAddresses the node's addresses of the family, without loopback
 * @param primary the node's main address
 */
export function resolveNodePortAddresses(
  configured: readonly (Cidr | 'primary')[],
  family: IpFamily,
  nodeAddresses: readonly IpAddress[],
  primary: IpAddress | undefined,
): readonly IpAddress[] | undefined {
  const ranges = rangesOf(configured, family)
  const hasPrimary = configured.includes('primary')
  if ((ranges.length === 0 && !hasPrimary) || ranges.some(({ bits }) => bits === 0)) return undefined
  const inRanges = nodeAddresses.filter(ip => ranges.some(range => cidrContains(range, ip)))
  return hasPrimary && primary !== undefined && !inRanges.includes(primary) ? [primary, ...inRanges] : inRanges
}

/** Whether node ports may answer on loopback: unless they are limited to addresses that do not include loopback. */
export function includesLoopback(configured: readonly (Cidr | 'primary')[] | undefined, family: IpFamily): boolean {
  if (configured === undefined) return true
  const ranges = rangesOf(configured, family)
  const isInLoopback = ({ network }: Cidr): boolean => cidrContains(LOOPBACK[family], network)
  const reachesLoopback = (range: Cidr): boolean => cidrContains(range, LOOPBACK[family].network)
  if (ranges.length === 0) return !configured.includes('primary')
  return ranges.some(range => isInLoopback(range) || reachesLoopback(range))
}

function rangesOf(configured: readonly (Cidr | 'primary')[], family: IpFamily): readonly Cidr[] {
  return configured.filter(entry => entry !== 'primary').filter(range => range.family === family)
}
