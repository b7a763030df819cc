import { readFileSync } from 'node:fs'
import { type IpFamily, parseIp } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'

/** RTF_LOCAL of linux/ipv6_route.h: the kernel delivers packets to this destination to the node itself. */
const RTF_LOCAL = 0x8000_0000

interface RouteTable {
  readonly text: string
  readonly routes: readonly Cidr[]
}

const FILES: Readonly<Record<IpFamily, string>> = { IPv4: '/proc/net/fib_trie', IPv6: '/proc/net/ipv6_route' }
const lastRead = new Map<IpFamily, RouteTable>()

/**
 * The destinations that the kernel routes to this node itself, single addresses included. The same array while nothing changes.
 * Without free descriptors, the last result; none where the kernel lacks the family.
 */
export function readLocalRoutes(family: IpFamily): readonly Cidr[] {
  const before = lastRead.get(family)
  let text: string
  try {
    text = readFileSync(FILES[family], 'latin1')
  } catch {
    return before?.routes ?? NONE
  }
  if (text === before?.text) return before.routes
  const parsed = family === 'IPv4' ? parseFibTrie(text) : parseIpv6Routes(text)
  // Most changes concern other routes.
  const routes = JSON.stringify(parsed) === JSON.stringify(before?.routes) ? before!.routes : parsed
  lastRead.set(family, { text, routes })
  return routes
}

const NONE: readonly Cidr[] = []

/**
 * Reads /proc/net/fib_trie: a destination, then a line for each of its routes, with its length, scope and type. A table may occur
 * twice, because the kernel joins the tables `main` and `local` while no rule is between them.
 *
 *     |-- 10.9.0.0
 *        /24 host LOCAL
 */
export function parseFibTrie(text: string): Cidr[] {
  const routes = new Map<string, Cidr>()
  let network = ''
  for (const line of text.split('\n')) {
    const destination = /^ *\|-- (\S+)$/.exec(line)
    if (destination !== null) network = destination[1]!
    const local = /^ *\/(\d+) \S+ LOCAL\b/.exec(line)
    if (local !== null) routes.set(`${network}/${local[1]}`, { family: 'IPv4', network, bits: Number(local[1]) })
  }
  return [...routes.values()]
}

/** Reads /proc/net/ipv6_route: the destination in hexadecimal digits, its length, …, the flags, the interface. */
export function parseIpv6Routes(text: string): Cidr[] {
  const routes: Cidr[] = []
  for (const line of text.split('\n')) {
    const [destination = '', bits = '', , , , , , , flags = ''] = line.trim().split(/\s+/)
    const network = parseIp(destination.replace(/(.{4})(?=.)/g, '$1:'))
    if (network === undefined || (Number.parseInt(flags, 16) & RTF_LOCAL) === 0) continue
    routes.push({ family: 'IPv6', network, bits: Number.parseInt(bits, 16) })
  }
  return routes
}
