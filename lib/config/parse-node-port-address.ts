import { type Cidr, LOOPBACK, parseCidr } from '../model/cidr.js'

const FAMILIES = ['IPv4', 'IPv6'] as const
const EVERYTHING: readonly Cidr[] = [
  { family: 'IPv4', network: '0.0.0.0', bits: 0 },
  { family: 'IPv6', network: '::', bits: 0 },
]

/**
 * Reads one entry of `--nodeport-addresses`: a range, or one of kube-proxy's words (KEP-6032). `primary` is the primary address of
 * the node, `localhost` stands for the loopback ranges of both families, `all` for everything.
 * @returns undefined if it is none of these
 */
export function parseNodePortAddress(text: string): readonly (Cidr | 'primary')[] | undefined {
  if (text === 'primary') return ['primary']
  if (text === 'localhost') return FAMILIES.map(family => LOOPBACK[family])
  if (text === 'all') return EVERYTHING
  const range = parseCidr(text)
  return range === undefined ? undefined : [range]
}
