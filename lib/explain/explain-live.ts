import { setImmediate as nextTurn } from 'node:timers/promises'
import { type InspectRequest, type Inspection } from '../dataplane/inspect-request.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ResolvedFrontends } from '../frontends/frontend-table.js'
import { type IpFamily } from '../model/address.js'
import { type NodeObject } from '../model/objects.js'
import { type Mode } from '../modes/mode.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { type ExplainRequest, explainPacket, findEnds } from './explain-packet.js'
import { type ExplainedState, type KnownServices } from './explained-state.js'
import { type Explanation } from './explanation.js'
import { readKernelFacts } from './kernel-facts.js'
import { knownServices } from './known-services.js'
import { listenerAt } from './listener-steps.js'
import { LiveSockets } from './live-sockets.js'

/** A running proxy that explains itself. */
export interface LiveProxy {
  readonly pid: number
  readonly mode: Pick<Mode, 'name' | 'carriedBy'>
  readonly nodeName: string
  readonly node: NodeObject | undefined
  readonly kernel: KernelTools
  readonly objects: Pick<KnownServices, 'services' | 'localTraffic' | 'explainEndpoints'>
  /** What it serves; undefined: nothing yet. */
  readonly resolved: ResolvedFrontends | undefined
  /** Its open sockets. */
  readonly listeners: readonly ListenerSpec[]
  /** The rules in the kernel with their counters. @throws ProxyFailure */
  readRules(): Promise<readonly (readonly [IpFamily, RuleTables])[]>
  /** Asks the processes that hold the sockets; undefined: there are none. */
  inspect(request: InspectRequest): Promise<Inspection> | undefined
}

/** The most ways and candidates of an answer. More take longer than other work of the process should wait. */
const MOST_WAYS = 100

/**
 * Explains a packet from what a running proxy knows. It only reads.
 * @throws ProxyFailure EXPLAIN_INVALID if there is no such sender or destination
 */
export async function explainLive(request: ExplainRequest, proxy: LiveProxy): Promise<Explanation> {
  const state = await liveState(proxy)
  const limited = { ...request, limit: MOST_WAYS }
  const { sender, destination } = findEnds(limited, state)
  const { frontend } = destination
  await nextTurn()
  const sockets = frontend && (await LiveSockets.ask(proxy.inspect, frontend.servicePort, sender.address))
  const missing = sockets?.missing ?? []
  await nextTurn()
  const notes = missing.map(worker => `Worker ${worker} has not replied: what is there is missing here`)
  return explainPacket(limited, { ...state, sockets, notes: [...state.notes, ...notes] })
}

/** The node as it is, with what the proxy serves on it. It only reads. @throws ProxyFailure */
export async function liveState(proxy: LiveProxy): Promise<ExplainedState> {
  const { pid, mode, nodeName, node, kernel, objects } = proxy
  const rules = new Map(await proxy.readRules())
  const facts = await readKernelFacts(nodeName, kernel, rules, node)
  await nextTurn()
  // After the rules, which take time to read: these change at once.
  const { resolved, listeners } = proxy
  return {
    ...facts,
    mode: mode.name,
    carriedBy: mode.carriedBy,
    rulesFrom: 'kernel',
    rules,
    known: knownServices(resolved, objects),
    findListener: arrived => listenerAt(listeners, arrived),
    proxy: { pid },
    notes: [
      ...facts.notes,
      ...(resolved === undefined ? ['The proxy serves no Service yet: it has just started'] : []),
    ],
  }
}
