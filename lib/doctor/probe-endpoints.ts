import { connect } from 'node:net'
import { type IpAddress, parseIp } from '../model/address.js'
import { systemCode } from '../model/failure.js'
import { type Protocol } from '../model/protocol.js'
import { type EndpointView } from '../status/endpoint-view.js'

/** An endpoint of the Service, and whether a connection to it opens. */
export interface EndpointProbe {
  /** `10.244.0.2:8080` */
  readonly address: string
  readonly outcome: 'connected' | 'refused' | 'no answer' | 'failed'
  /** The code of the system for what failed; empty: none. */
  readonly code: string
}

/** An address to connect to. */
export interface ProbeTarget {
  readonly address: string
  readonly host: IpAddress
  readonly port: number
}

/** Endpoints that are probed, all at once. */
export const MAX_PROBES = 64

/** Protocols in which a connection shows that a program listens. */
const PROBED: readonly Protocol[] = ['TCP']

/** Where to connect: only to endpoints that get traffic, each once, and in turn to those of each port and family. */
export function probeTargets(endpoints: readonly EndpointView[]): readonly ProbeTarget[] {
  const seen = new Set<string>()
  const groups = new Map<string, ProbeTarget[]>()
  for (const { address, protocol, portName, family, isUsed } of endpoints) {
    const [, inBrackets, plain, port] = /^(?:\[(.+)\]|([^[\]]+)):(\d+)$/.exec(address) ?? []
    const host = parseIp(inBrackets ?? plain)
    if (!isUsed || !PROBED.includes(protocol) || host === undefined || seen.has(address)) continue
    seen.add(address)
    const group = groups.get(`${portName} ${family}`) ?? []
    groups.set(`${portName} ${family}`, [...group, { address, host, port: Number(port) }])
  }
  const turns = [...groups.values()].flatMap(group => group.map((target, turn) => ({ target, turn })))
  return turns
    .sort((a, b) => a.turn - b.turn)
    .slice(0, MAX_PROBES)
    .map(({ target }) => target)
}

/** Opens a connection to each endpoint, and closes it at once. It sends no data. @param ms how long each may take to open */
export function probeEndpoints(targets: readonly ProbeTarget[], ms: number): Promise<EndpointProbe[]> {
  return Promise.all(targets.map(target => probe(target, ms)))
}

function probe({ address, host, port }: ProbeTarget, ms: number): Promise<EndpointProbe> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const end = (outcome: EndpointProbe['outcome'], code = ''): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ address, outcome, code })
    }
    const timer = setTimeout(() => end('no answer'), ms)
    socket.on('connect', () => end('connected'))
    socket.on('error', error => {
      const code = systemCode(error) ?? error.message
      end(code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'no answer' : 'failed', code)
    })
  })
}
