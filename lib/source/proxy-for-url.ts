import { type IpAddress, familyOf, parseIp } from '../model/address.js'
import { LOOPBACK, cidrContains, parseCidr } from '../model/cidr.js'

/**
 * The proxy that the environment names for a URL; undefined: none. The rules are those of Go's `httpproxy.FromEnvironment`, which
 * client-go uses: `HTTPS_PROXY` or `HTTP_PROXY` by the scheme of the URL, and `NO_PROXY` with hosts, domains, addresses and address
 * ranges, each with an optional port. A name in lower case counts if the one in upper case is absent. Loopback needs no proxy.
 */
export function proxyForUrl(url: URL, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const read = (name: string): string => env[name] || env[name.toLowerCase()] || ''
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === '' || isExcluded(url, read('NO_PROXY'))) return undefined
  // As in Go, a proxy without a scheme speaks HTTP.
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

function isExcluded({ protocol, hostname, port }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const ip = parseIp(host)
  if (host === 'localhost' || (ip !== undefined && cidrContains(LOOPBACK[familyOf(ip)], ip))) return true
  const usedPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  return noProxy
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .filter(entry => entry !== '')
    .some(entry => entry === '*' || matches(entry, host, ip, usedPort))
}

function matches(entry: string, host: string, ip: IpAddress | undefined, port: string): boolean {
  const range = entry.includes('/') ? parseCidr(entry) : undefined
  if (range !== undefined) return ip !== undefined && cidrContains(range, ip)
  const [, name = entry, entryPort] = parseIp(entry) === undefined ? (/^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? []) : []
  if (entryPort !== undefined && entryPort !== port) return false
  if (ip !== undefined) return parseIp(name) === ip
  // "example.com" and "*.example.com" stand for the subdomains; only the first one for the host itself too.
  const domain = name.replace(/^\*/, '')
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}
