import {
  type InspectRequest,
  type InspectedAffinity,
  type InspectedEndpoint,
  type InspectedListener,
  type InspectedRow,
  type Inspection,
  portNameOf,
} from '../dataplane/inspect-request.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type IpAddress, hostPort } from '../model/address.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type ExplainedProcess, type LiveCandidate } from './explanation.js'

/** What one process has of one listener. */
interface ProcessListener {
  readonly worker: number | null
  readonly pid: number
  readonly row: InspectedListener | undefined
  readonly endpoints: readonly InspectedEndpoint[]
  readonly affinity: readonly InspectedAffinity[]
}

/** The endpoint that a client keeps. */
export interface KeptEndpoint {
  /** `ip:port` */
  readonly endpoint: string
  readonly leftMs: number
}

/** What is asked of the processes that hold the sockets of a service port. */
const ASKED = ['listeners', 'endpoints', 'affinity'] as const

/** What the sockets of a running proxy say of one service port and one client. */
export class LiveSockets {
  readonly #ofListener = new Map<ServicePortKey, ProcessListener[]>()
  /** The numbers of the workers that have not replied. */
  readonly missing: readonly number[]

  /**
   * Asks the processes.
   * @param client only what it keeps is looked at
   * @returns undefined: there are no sockets
   */
  static async ask(
    inspect: (request: InspectRequest) => Promise<Inspection> | undefined,
    { namespace, name: service, portName, protocol }: ServicePort,
    client: IpAddress,
  ): Promise<LiveSockets | undefined> {
    if (protocol === 'SCTP') return undefined
    const ports = new Set([portNameOf({ namespace, service, portName, protocol })])
    const request = { namespace, service, ports, client, limit: Infinity }
    const [listeners, endpoints, affinity] = await Promise.all(ASKED.map(async what => inspect({ what, ...request })))
    if (listeners === undefined || endpoints === undefined || affinity === undefined) return undefined
    return new LiveSockets(listeners, endpoints, affinity)
  }

  constructor(listeners: Inspection, endpoints: Inspection, affinity: Inspection) {
    this.missing = [...new Set([listeners, endpoints, affinity].flatMap(({ missing }) => missing))]
    for (const { pid, worker, rows } of listeners.processes)
      for (const row of rows as readonly InspectedListener[]) {
        const { key } = row.listener
        const own: ProcessListener = {
          ...{ worker: worker ?? null, pid, row },
          endpoints: rowsOf<InspectedEndpoint>(endpoints, pid, key),
          affinity: rowsOf<InspectedAffinity>(affinity, pid, key),
        }
        this.#ofListener.set(key, [...(this.#ofListener.get(key) ?? []), own])
      }
  }

  /** The processes that hold a listener. */
  processes({ key }: ListenerSpec): ExplainedProcess[] {
    return this.#of(key).map(({ worker, pid, row }) => ({
      ...{ worker, pid },
      isListening: row?.isListening === true,
      open: row?.active ?? 0,
    }))
  }

  /** The endpoint that the client keeps; undefined: it keeps none, or it is another one than was asked about. */
  kept({ key, endpoints }: ListenerSpec, source: IpAddress | undefined): KeptEndpoint | undefined {
    const addresses = new Set(endpoints.map(({ ip, port }) => hostPort(ip, port)))
    return this.#of(key)
      .flatMap(({ affinity }) => affinity)
      .filter(({ client, endpoint }) => client === source && addresses.has(endpoint))
      .sort((a, b) => b.leftMs - a.leftMs)[0]
  }

  /**
   * The part of new clients that each endpoint gets; undefined: it gets none. Any process may accept a client, and gives it none of the
   * endpoints that are ejected there.
   */
  shares({ key, endpoints }: ListenerSpec, kept: KeptEndpoint | undefined): ReadonlyMap<string, number> {
    const all = endpoints.map(({ ip, port }) => hostPort(ip, port))
    if (kept !== undefined) return new Map([[kept.endpoint, 1]])
    const shares = new Map<string, number>()
    const serving = this.#of(key).filter(({ row }) => row?.isListening === true)
    for (const ejected of serving.length === 0 ? [new Set<string>()] : serving.map(ejectedOf)) {
      const others = all.filter(address => !ejected.has(address))
      const usable = others.length > 0 ? others : all
      for (const address of usable)
        shares.set(address, (shares.get(address) ?? 0) + 1 / usable.length / Math.max(1, serving.length))
    }
    return shares
  }

  /** What is known of one endpoint of a listener. */
  candidate({ key }: ListenerSpec, address: string): LiveCandidate {
    const rows = this.#of(key).flatMap(({ worker, endpoints }) =>
      endpoints.filter(row => row.address === address).map(row => ({ worker, row })),
    )
    return {
      open: rows.reduce((sum, { row }) => sum + row.open, 0),
      ejected: rows
        .filter(({ row }) => row.ejectedForMs > 0)
        .map(({ worker, row: { ejectedMsAgo, ejectedForMs } }) => ({
          worker,
          msAgo: ejectedMsAgo,
          forMs: ejectedForMs,
        })),
      nextIn: rows.filter(({ row }) => row.isNext).map(({ worker }) => worker),
    }
  }

  #of(key: ServicePortKey): readonly ProcessListener[] {
    return this.#ofListener.get(key) ?? []
  }
}

function rowsOf<Row extends InspectedRow>({ processes }: Inspection, ofPid: number, key: ServicePortKey): Row[] {
  const own = processes.filter(({ pid }) => pid === ofPid).flatMap(({ rows }) => rows)
  return own.filter(({ listener }) => listener.key === key) as Row[]
}

function ejectedOf({ endpoints }: ProcessListener): ReadonlySet<string> {
  return new Set(endpoints.filter(({ ejectedForMs }) => ejectedForMs > 0).map(({ address }) => address))
}
