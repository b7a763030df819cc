import { type IpAddress, hostPort, parseIp } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'
import { type RealServer, type ServerAddress, type VirtualServer } from './virtual-server.js'

/** A real server with its connections. */
export interface ObservedRealServer extends RealServer {
  /** Number of its connections now, including those that are closing. */
  readonly connections: number
}

/** A virtual server in the kernel. */
export type ObservedServer = VirtualServer<ObservedRealServer>

/** One change to IPVS. */
export type IpvsChange =
  | { readonly kind: 'add' | 'edit'; readonly server: Omit<VirtualServer, 'realServers'> }
  | { readonly kind: 'delete'; readonly server: ServerAddress }
  | {
      readonly kind: 'add real' | 'edit real' | 'delete real'
      readonly server: ServerAddress
      readonly real: RealServer
    }

const PROTOCOL_OPTIONS: Readonly<Record<Protocol, string>> = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' }

/** Reads the output of `ipvsadm -L -n`. Ignores virtual servers with a firewall mark instead of an address. */
export function parseIpvsText(text: string): ObservedServer[] {
  const servers: (ObservedServer & { readonly realServers: ObservedRealServer[] })[] = []
  let server: (typeof servers)[number] | undefined
  for (const line of text.split('\n')) {
    const [first = '', second = '', ...rest] = line.trim().split(/\s+/)
    if (first === '->') {
      const end = parseHostPort(second)
      const [, weight, active, inactive] = rest.map(Number)
      if (server === undefined || end === undefined || inactive === undefined) continue
      server.realServers.push({ ...end, weight: weight!, connections: active! + inactive })
    } else if (/^[A-Z]+$/.test(first)) {
      const end = parseHostPort(second)
      const protocol = (['TCP', 'UDP', 'SCTP'] as const).find(name => name === first)
      server = undefined
      if (protocol === undefined || end === undefined) continue
      server = { protocol, ...end, ...parseSettings(rest), realServers: [] }
      servers.push(server)
    }
  }
  return servers
}

/** The words after the address: `rr (mh-port) persistent 600`. */
function parseSettings(words: readonly string[]): Pick<VirtualServer, 'scheduler' | 'flags' | 'persistenceSeconds'> {
  const text = words.join(' ')
  return {
    scheduler: words[0] ?? '',
    flags: /\(([^)]+)\)/.exec(text)?.[1] ?? '',
    persistenceSeconds: Number(/ persistent (\d+)/.exec(text)?.[1] ?? 0),
  }
}

/** Reads `10.96.0.10:80` or `[fd00::1]:80`. */
export function parseHostPort(text: string): { readonly address: IpAddress; readonly port: number } | undefined {
  const [, host, port] = /^(.*):(\d+)$/.exec(text) ?? []
  const address = parseIp(host?.replace(/^\[(.*)\]$/, '$1'))
  return address === undefined ? undefined : { address, port: Number(port) }
}

/** A change as a line for `ipvsadm --restore`. */
export function changeLine(change: IpvsChange): string {
  const { protocol, address, port } = change.server
  const server = `${PROTOCOL_OPTIONS[protocol]} ${hostPort(address, port)}`
  switch (change.kind) {
    case 'add':
    case 'edit': {
      const { scheduler, flags, persistenceSeconds } = change.server
      const more = [
        ...(persistenceSeconds > 0 ? ['-p', persistenceSeconds] : []),
        ...(flags === '' ? [] : ['-b', flags]),
      ]
      return [change.kind === 'add' ? '-A' : '-E', server, '-s', scheduler, ...more].join(' ')
    }
    case 'delete':
      return `-D ${server}`
    case 'add real':
    case 'edit real': {
      const { real } = change
      const option = change.kind === 'add real' ? '-a' : '-e'
      return `${option} ${server} -r ${hostPort(real.address, real.port)} -m -w ${real.weight}`
    }
    case 'delete real':
      return `-d ${server} -r ${hostPort(change.real.address, change.real.port)}`
  }
}
