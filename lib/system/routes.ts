import { type IpAddress, type IpFamily, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { runCommand } from './command.js'

/** A route of the main table. */
export interface Route {
  readonly range: Cidr
  readonly interfaceName: string
  /** The source of the node's own packets, where the route names it. */
  readonly source: IpAddress | undefined
}

const TIMEOUT_MS = 10_000
const EVERYTHING: Readonly<Record<IpFamily, string>> = { IPv4: '0.0.0.0/0', IPv6: '::/0' }

/** Reads the main table of routes, with the program `ip`. @throws ProxyFailure if the program is missing */
export async function readRoutes(family: IpFamily): Promise<Route[]> {
  const args = [family === 'IPv4' ? '-4' : '-6', 'route', 'show', 'table', 'main']
  const { stdout } = await runCommand('ip', args, { timeoutMs: TIMEOUT_MS, packageName: 'iproute2' })
  return parseRoutes(stdout, family)
}

/** Reads the output of `ip route`. What has no interface is no way out. */
export function parseRoutes(text: string, family: IpFamily): Route[] {
  return text.split('\n').flatMap(line => {
    const [destination = '', ...words] = line.trim().split(/\s+/)
    const valueOf = (name: string): string | undefined => words[words.indexOf(name) + 1]
    const range = parseCidr(withBits(destination === 'default' ? EVERYTHING[family] : destination, family))
    if (range === undefined || !words.includes('dev')) return []
    const source = words.includes('src') ? parseIp(valueOf('src')) : undefined
    return [{ range, interfaceName: valueOf('dev')!, source }]
  })
}

function withBits(destination: string, family: IpFamily): string {
  return destination.includes('/') ? destination : `${destination}/${family === 'IPv4' ? 32 : 128}`
}
