import { promises as dns } from 'node:dns'
import { readFileSync } from 'node:fs'
import { type IpAddress, type IpFamily, parseIp } from '../model/address.js'
import { messageOf, systemCode } from '../model/failure.js'
import { type ObjectName } from '../model/objects.js'
import { type Seen, seen, unseen } from './seen.js'

/** What the cluster DNS says of the name of a Service. */
export interface DnsAnswer {
  readonly name: string
  /** Where it was asked for: `the cluster DNS 10.96.0.53`. */
  readonly server: string
  readonly addresses: readonly IpAddress[]
  /** Whether the domain of the name is only the usual one, and not known to be that of the cluster. */
  readonly isGuessed: boolean
  /** Why there is no address: a code of the resolver such as ENOTFOUND; empty: there is one. */
  readonly failure: string
}

/** What decides whom to ask. */
export interface DnsQuestion {
  readonly service: ObjectName
  readonly families: readonly IpFamily[]
  /** Address of the Service of the cluster DNS; undefined: unknown. */
  readonly clusterDns: IpAddress | undefined
  /** Such as `cluster.local`; undefined: that of resolv.conf, else `cluster.local`. */
  readonly domain: string | undefined
  /** How long an answer may take, in milliseconds. */
  readonly patienceMs: number
}

const USUAL_DOMAIN = 'cluster.local'

/** What resolv.conf says of a cluster; undefined: it is that of a host outside, whose name servers know no Service. */
export function parseClusterResolver(
  text: string,
): { readonly domain: string; readonly servers: readonly IpAddress[] } | undefined {
  const lines = text.split('\n').map(line => line.trim().split(/\s+/))
  const search = lines.findLast(([word]) => word === 'search')?.slice(1) ?? []
  const domain = search
    .map(each => /^(?:[^.]+\.)?svc\.([a-z0-9][a-z0-9.-]*?)\.?$/i.exec(each)?.[1])
    .find(each => each !== undefined)
  const servers = lines.flatMap(([word, address]) => (word === 'nameserver' ? (parseIp(address) ?? []) : []))
  return domain === undefined || servers.length === 0 ? undefined : { domain, servers }
}

/** Asks the cluster DNS, and never another one: the names of Services are no business of others. */
export async function askDns({
  service,
  families,
  clusterDns,
  domain,
  patienceMs,
}: DnsQuestion): Promise<Seen<DnsAnswer>> {
  const resolver = parseClusterResolver(readResolvConf())
  const servers = clusterDns === undefined ? resolver?.servers : [clusterDns]
  if (servers === undefined)
    return unseen(
      'no cluster DNS is known: there is no Service kube-system/kube-dns, and /etc/resolv.conf is not that of a cluster',
    )
  const name = `${service.name}.${service.namespace}.svc.${domain ?? resolver?.domain ?? USUAL_DOMAIN}`
  const server = `the cluster DNS ${servers.join(', ')}`
  const asked = new dns.Resolver({ timeout: patienceMs, tries: 1 })
  const limit = setTimeout(() => asked.cancel(), 2 * patienceMs)
  try {
    asked.setServers(servers)
    const answers = await Promise.allSettled(
      families.map(family => (family === 'IPv4' ? asked.resolve4(name) : asked.resolve6(name))),
    )
    const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
    const failed = answers.find(answer => answer.status === 'rejected')
    const failure = addresses.length > 0 || failed === undefined ? '' : codeOf(failed.reason)
    const isGuessed = domain === undefined && resolver === undefined
    return seen({ name, server, isGuessed, addresses: addresses.flatMap(ip => parseIp(ip) ?? []), failure })
  } catch (error) {
    return unseen(`the DNS cannot be asked: ${messageOf(error)}`)
  } finally {
    clearTimeout(limit)
  }
}

function codeOf(error: unknown): string {
  return systemCode(error) ?? messageOf(error)
}

function readResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
