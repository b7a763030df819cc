import { IP_FAMILIES, type IpAddress, familyOf, hostPort, parseIp } from '../model/address.js'
import { type Cidr, parseCidr, LOOPBACK } from '../model/cidr.js'
import { specialAddress } from '../model/special-address.js'
import { parsePortRange } from '../model/port-range.js'
import { parseInteger } from '../primitives/parse-integer.js'
import { type DetectLocal, DETECT_LOCAL_MODES, type KubeProxyConfig } from './kube-proxy-config.js'
import { findOption } from './options.js'
import { type SettingReader } from './setting-reader.js'

const MAX_PORT = 65535
/** Near the other ports of kube-proxy, and of no other part of Kubernetes. */
const DASHBOARD_PORT = 10247
const EVERYTHING: readonly Cidr[] = [
  { family: 'IPv4', network: '0.0.0.0', bits: 0 },
  { family: 'IPv6', network: '::', bits: 0 },
]

/** The settings about addresses, interfaces and ports. */
export type AddressConfig = Pick<
  KubeProxyConfig,
  | 'bindAddress'
  | 'clusterCIDR'
  | 'detectLocal'
  | 'nodePortAddresses'
  | 'portRange'
  | 'healthzBindAddress'
  | 'metricsBindAddress'
  | 'dashboardBindAddress'
>

/** Reads the settings about addresses, interfaces and ports. */
export function readAddresses(reader: SettingReader): AddressConfig {
  return {
    bindAddress: readBindAddress(reader),
    clusterCIDR: readClusterCidr(reader),
    detectLocal: readDetectLocal(reader),
    nodePortAddresses: readNodePortAddresses(reader),
    portRange: readPortRange(reader),
    healthzBindAddress: readHttpAddress(reader, 'healthz'),
    metricsBindAddress: readHttpAddress(reader, 'metrics'),
    dashboardBindAddress: readDashboardAddress(reader),
  }
}

/** The address of listeners; undefined: the node's own. */
function readBindAddress(reader: SettingReader): IpAddress | undefined {
  const ip = parseIp(reader.readTextOrDefault('bind-address'))
  const problem = (text: string): void => reader.addProblem('bind-address', text)
  if (ip === undefined) problem('expected an IP address such as 192.168.1.10')
  else if (ip === '0.0.0.0' || ip === '::') return undefined
  else if (specialAddress(ip) === 'loopback')
    problem('Pods cannot reach a loopback address; use an address of the node, or 0.0.0.0')
  else if (specialAddress(ip) !== undefined)
    problem(`cannot listen on a ${specialAddress(ip)} address; use an address of the node, or 0.0.0.0`)
  return ip
}

/** Ranges of Pod addresses, at most one for each family. */
function readClusterCidr(reader: SettingReader): Cidr[] {
  const text = reader.readText('cluster-cidr')
  if (text === '') return []
  const parts = text.split(',').map(part => parseCidr(part.trim()))
  const ranges = parts.filter(range => range !== undefined)
  if (ranges.length < parts.length) reader.addProblem('cluster-cidr', 'expected a CIDR such as 10.244.0.0/16')
  else if (new Set(ranges.map(({ family }) => family)).size < ranges.length)
    reader.addProblem('cluster-cidr', 'two CIDRs of one IP family; use at most one for each family')
  return ranges
}

/** The method to recognise traffic from Pods, with the name that it needs. */
function readDetectLocal(reader: SettingReader): DetectLocal {
  const text = reader.readTextOrDefault('detect-local-mode')
  const mode = reader.readChoice('detect-local-mode', DETECT_LOCAL_MODES, text)
  if (mode === 'ClusterCIDR' || mode === 'NodeCIDR') return { mode }
  const option = mode === 'BridgeInterface' ? 'pod-bridge-interface' : 'pod-interface-name-prefix'
  const name = reader.readText(option)
  const setting = reader.isFile ? `detectLocalMode ${mode}` : `--detect-local-mode=${mode}`
  // Interface names in Linux have at most 15 bytes, without spaces and slashes.
  if (!/^[^\s/+]{1,15}$/.test(name))
    reader.addProblem(option, `expected 1 to 15 characters of an interface name; ${setting} needs it`)
  return { mode, name }
}

/** Where node ports are served: ranges and `primary`; undefined: at all addresses. */
function readNodePortAddresses(reader: SettingReader): readonly (Cidr | 'primary')[] | undefined {
  const values = reader.readCommaList('nodeport-addresses')
  if (values.length === 0) return undefined
  const entries = values.map(parseNodePortAddress)
  if (entries.includes(undefined))
    reader.addProblem('nodeport-addresses', 'expected CIDRs such as 192.168.0.0/16, primary, localhost or all')
  return entries.flatMap(entry => entry ?? [])
}

/**
 * Reads one entry of `--nodeport-addresses`: a range, or one of kube-proxy's words (KEP-6032). `primary` is the primary address of
 * the node, `localhost` stands for the loopback ranges of both families, `all` for everything.
 * @returns undefined if it is none of these
 */
export function parseNodePortAddress(text: string): readonly (Cidr | 'primary')[] | undefined {
  if (text === 'primary') return ['primary']
  if (text === 'localhost') return IP_FAMILIES.map(family => LOOPBACK[family])
  if (text === 'all') return EVERYTHING
  const range = parseCidr(text)
  return range === undefined ? undefined : [range]
}

/** The range of listener ports; undefined: the kernel chooses. */
function readPortRange(reader: SettingReader) {
  const range = parsePortRange(reader.readText('proxy-port-range'))
  if (typeof range !== 'string') return range
  reader.addProblem('proxy-port-range', range)
  return undefined
}

/** `IP:PORT` of an HTTP server, with the default port if the value has none; empty: no server. */
function readHttpAddress(reader: SettingReader, server: 'healthz' | 'metrics'): string {
  const name = `${server}-bind-address`
  const port = readDeprecatedPort(reader, `${server}-port`)
  if (port === 0) return ''
  const text = reader.has(name) ? reader.readText(name) : defaultHttpAddress(reader, name, port)
  if (text === '') return ''
  const read = parseHttpAddress(text, port)
  if ('address' in read) return read.address
  reader.addProblem(name, read.expected)
  return ''
}

/** `IP:PORT` of the page; empty: none. Only loopback, unless other hosts are allowed. */
function readDashboardAddress(reader: SettingReader): string {
  const name = 'dashboard-bind-address'
  const text = reader.readText(name)
  if (text === '') return ''
  const read = parseHttpAddress(text, DASHBOARD_PORT)
  if ('expected' in read) {
    reader.addProblem(name, read.expected)
    return ''
  }
  const { host = '' } = /^\[?(?<host>[^\]]+)\]?:\d+$/.exec(read.address)?.groups ?? {}
  if (specialAddress(parseIp(host) ?? '') !== 'loopback' && !reader.readSwitch('dashboard-allow-remote'))
    reader.addProblem(
      name,
      `other hosts can reach this address; use 127.0.0.1, or give ${reader.nameOf('dashboard-allow-remote')} too`,
    )
  return read.address
}

/** As in kube-proxy, the port for an address that has none; 0: no server. */
function readDeprecatedPort(reader: SettingReader, name: string): number {
  const port = parseInteger(reader.readText(name)) ?? -1
  if (port >= 0 && port <= MAX_PORT) return port
  reader.addProblem(name, `expected a port from 1 to ${MAX_PORT}, or 0`)
  return 0
}

/** As in kube-proxy, a file with an IPv6 bind address gives the servers IPv6 addresses. */
function defaultHttpAddress(reader: SettingReader, name: string, port: number): string {
  const address = findOption(name)!.default!
  const [host] = address.split(':') as [string]
  const bindAddress = parseIp(reader.readText('bind-address')) ?? ''
  if (!reader.isFile || familyOf(bindAddress) === 'IPv4') return hostPort(host, port)
  return hostPort(host === '127.0.0.1' ? '::1' : '::', port)
}

/**
 * Completes the address of an HTTP server to `IP:PORT` or `[IP]:PORT`. As in kube-proxy, a whole text that is an IP address gets
 * the default port: `::1:80` is an address, `[::1]:80` has a port.
 *
 * @returns the address, or what was expected instead
 */
function parseHttpAddress(text: string, defaultPort: number): { address: string } | { expected: string } {
  const ip = parseIp(text)
  if (ip !== undefined) return { address: hostPort(ip, defaultPort) }
  const match = /^(?:\[(.+)\]|([^:]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || parseIp(match[1] ?? match[2]) === undefined)
    return { expected: `expected IP or IP:PORT such as 0.0.0.0:${defaultPort} or [::]:${defaultPort}` }
  if (port < 1 || port > 65535) return { expected: 'expected a port from 1 to 65535' }
  return { address: text }
}
