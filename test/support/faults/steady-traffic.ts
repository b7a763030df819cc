import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type NodeNetwork } from '../nodes/node-network.js'
import { TRAFFIC_KINDS, type TrafficKind, type TrafficReport } from './traffic-counts.js'

const ENTRY = fileURLToPath(new URL('steady-traffic-entry.js', import.meta.url))

interface Target {
  readonly ip: string
  readonly port: number
}

/** What a client sends. Rates are per second. */
export interface TrafficPlan {
  readonly newConnections?: Target & {
    readonly rate: number
    /** While so many wait for an answer, no further one is sent: the clients go at the pace of a busy machine. Absent: no limit. */
    readonly mostAtOnce?: number
  }
  /** Connections that are opened first and used until the end. */
  readonly openConnections?: Target & { readonly count: number }
  /** Each request comes from a port of its own. */
  readonly udpRequests?: Target & { readonly rate: number }
  /** Clients wait for answers until the end, and the usual time from then on: how long the fault lasts is no loss. */
  readonly isPatient?: boolean
}

/** A process that sends steady traffic to Pods (pod-server) until `stop`, and counts what was lost. */
export class SteadyTraffic {
  /** What it sends. */
  readonly kinds: readonly TrafficKind[]
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #report: Promise<TrafficReport> | undefined

  private constructor(child: ChildProcess, plan: TrafficPlan) {
    this.kinds = (Object.keys(TRAFFIC_KINDS) as TrafficKind[]).filter(kind => plan[kind] !== undefined)
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  /** Starts it; resolves when the open connections are open. */
  static async start(network: NodeNetwork, client: NetworkNamespace, plan: TrafficPlan): Promise<SteadyTraffic> {
    const child = network.start(client, process.execPath, [ENTRY, JSON.stringify(plan)])
    child.stderr!.pipe(process.stderr)
    const traffic = new SteadyTraffic(child, plan)
    await traffic.#readLine()
    return traffic
  }

  /** Ends the traffic, when every answer has come or is late enough to count as lost. Every call returns the same report. */
  stop(): Promise<TrafficReport> {
    return (this.#report ??= this.#end())
  }

  async #end(): Promise<TrafficReport> {
    this.#child.stdin!.end()
    return JSON.parse(await this.#readLine()) as TrafficReport
  }

  async #readLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The client has exited')
    return value
  }
}
