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
  readonly row: InspectedListener
  readonly affinity: readonly InspectedAffinity[]
  /** The endpoints that get no new clients there. */
  readonly ejected: ReadonlySet<string>
}

/** What all processes have of one listener. There may be 10,000 endpoints: each is looked at once. */
interface KnownListener {
  readonly processes: ProcessListener[]
  /** By `ip:port`. */
  readonly candidates: Map<string, MutableCandidate>
  readonly next: NextEndpoint[]
}

interface MutableCandidate extends LiveCandidate {
  open: number
  readonly ejected: LiveCandidate['ejected'][number][]
  readonly nextIn: (number | null)[]
}

/** The endpoint that the next new client of one process gets. */
export interface NextEndpoint {
  /** Null: the control process. */
  readonly worker: number | null
  /** `ip:port` */
  readonly address: string
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
  readonly #ofListener = new Map<ServicePortKey, KnownListener>()
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
    const endpointsOf = rowsByListener<InspectedEndpoint>(endpoints)
    const affinityOf = rowsByListener<InspectedAffinity>(affinity)
    for (const { pid, worker = null, rows } of listeners.processes)
      for (const row of rows as readonly InspectedListener[]) {
        const { key } = row.listener
        const own = endpointsOf.get(pid)?.get(key) ?? []
        const ejected = new Set(own.filter(({ ejectedForMs }) => ejectedForMs > 0).map(({ address }) => address))
        const known: KnownListener = this.#ofListener.get(key) ?? { processes: [], candidates: new Map(), next: [] }
        this.#ofListener.set(key, known)
        known.processes.push({ worker, pid, row, affinity: affinityOf.get(pid)?.get(key) ?? [], ejected })
        for (const endpoint of own) addEndpoint(known, worker, endpoint)
      }
  }

  /** The processes that hold a listener. */
  processes({ key }: ListenerSpec): ExplainedProcess[] {
    return this.#of(key).map(({ worker, pid, row }) => ({
      ...{ worker, pid },
      isListening: row.isListening,
      open: row.active,
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
    const serving = this.#of(key).filter(({ row }) => row.isListening)
    for (const ejected of serving.length === 0 ? [new Set<string>()] : serving.map(({ ejected }) => ejected)) {
      const others = all.filter(address => !ejected.has(address))
      const usable = others.length > 0 ? others : all
      for (const address of usable)
        shares.set(address, (shares.get(address) ?? 0) + 1 / usable.length / Math.max(1, serving.length))
    }
    return shares
  }

  /** What is known of one endpoint of a listener. */
  candidate({ key }: ListenerSpec, address: string): LiveCandidate {
    return this.#ofListener.get(key)?.candidates.get(address) ?? { open: 0, ejected: [], nextIn: [] }
  }

  /** Whose turn it is in each process that has replied. */
  next({ key }: ListenerSpec): readonly NextEndpoint[] {
    return this.#ofListener.get(key)?.next ?? []
  }

  #of(key: ServicePortKey): readonly ProcessListener[] {
    return this.#ofListener.get(key)?.processes ?? []
  }
}

function addEndpoint({ candidates, next }: KnownListener, worker: number | null, endpoint: InspectedEndpoint): void {
  const { address, open, ejectedMsAgo: msAgo, ejectedForMs: forMs, isNext } = endpoint
  const candidate = candidates.get(address) ?? { open: 0, ejected: [], nextIn: [] }
  candidates.set(address, candidate)
  candidate.open += open
  if (forMs > 0) candidate.ejected.push({ worker, msAgo, forMs })
  if (!isNext) return
  candidate.nextIn.push(worker)
  next.push({ worker, address })
}

/** By process id and listener. */
function rowsByListener<Row extends InspectedRow>({
  processes,
}: Inspection): ReadonlyMap<number, ReadonlyMap<ServicePortKey, readonly Row[]>> {
  return new Map(processes.map(({ pid, rows }) => [pid, byListener(rows as readonly Row[])]))
}

function byListener<Row extends InspectedRow>(rows: readonly Row[]): ReadonlyMap<ServicePortKey, readonly Row[]> {
  const lists = new Map<ServicePortKey, Row[]>()
  for (const row of rows) {
    const list = lists.get(row.listener.key)
    if (list === undefined) lists.set(row.listener.key, [row])
    else list.push(row)
  }
  return lists
}
