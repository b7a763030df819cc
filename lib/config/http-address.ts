import { hostPort, parseIp } from '../model/address.js'

/**
 * Completes the address of an HTTP server to `IP:PORT` or `[IP]:PORT`. As in kube-proxy, a whole text that is an IP address gets
 * the default port: `::1:80` is an address, `[::1]:80` has a port.
 *
 * @returns the address, or what was expected instead
 */
export function parseHttpAddress(text: string, defaultPort: number): { address: string } | { expected: string } {
  const ip = parseIp(text)
  if (ip !== undefined) return { address: hostPort(ip, defaultPort) }
  const match = /^(?:\[(.+)\]|([^:]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || parseIp(match[1] ?? match[2]) === undefined)
    return { expected: `expected IP or IP:PORT such as 0.0.0.0:${defaultPort} or [::]:${defaultPort}` }
  if (port < 1 || port > 65535) return { expected: 'expected a port from 1 to 65535' }
  return { address: text }
}
