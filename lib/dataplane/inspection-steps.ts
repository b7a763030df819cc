import { type Clock } from '../model/clock.js'
import { ageRow } from './age-rows.js'
import {
  type InspectRequest,
  type InspectStep,
  type InspectedConnection,
  type InspectedListener,
  type ListenerIdentity,
  isInspected,
} from './inspect-request.js'
import { latestRows } from './latest-rows.js'
import { type Listener } from './listener.js'
import { type ListenerContext } from './listener-context.js'
import { type ListenerSpec } from './listener-plan.js'

type ConnectionStep = InspectStep<InspectedConnection>
type InspectedContext = Pick<ListenerContext, 'clock' | 'endedConnections' | 'happenings'>

/** A listener of the plan. */
interface PlannedListener {
  readonly spec: ListenerSpec
  readonly listener: Listener
  /** Undefined until it has opened. */
  readonly port: number | undefined
}

/**
 * The answer of one process to an inspect request, one step after the other. The caller may let connections pass between two steps: what
 * comes meanwhile may be missing, and nothing is there twice.
 */
export function* inspectionSteps(
  request: InspectRequest,
  context: InspectedContext,
  planned: ReadonlyMap<unknown, PlannedListener>,
  draining: Iterable<Listener>,
): Generator<InspectStep> {
  const { what, limit } = request
  const all = allSteps(request, context, planned, draining)
  let left = limit
  for (const row of what === 'connections' ? latestRows(all as Iterable<ConnectionStep>, limit, context.clock) : all) {
    if (row !== undefined && left-- === 0) return
    yield row
  }
}

function* allSteps(
  request: InspectRequest,
  { clock, endedConnections, happenings }: InspectedContext,
  planned: ReadonlyMap<unknown, PlannedListener>,
  draining: Iterable<Listener>,
): Generator<InspectStep> {
  const { what, happenedAfter, filters = [] } = request
  if (what === 'ended') {
    const isWanted = (listener: ListenerIdentity): boolean => isInspected(request, listener)
    return yield* agedSteps(endedConnections.rows(clock.now(), isWanted), clock)
  }
  if (what === 'happenings') return yield* agedSteps(happenings.ask(happenedAfter?.get(process.pid), filters), clock)
  const seen = new Set<Listener>()
  for (const each of planned.values()) {
    const { listener } = each
    seen.add(listener)
    // Also for a listener without rows: there may be thousands.
    yield undefined
    if (isInspected(request, listener.clients.identity)) yield* stepsOfListener(what, each, request.client)
  }
  if (what !== 'connections') return
  for (const listener of draining)
    // It may have been planned a moment ago.
    if (!seen.has(listener) && isInspected(request, listener.clients.identity)) yield* listener.inspectConnections()
}

/** Rows of this moment, each as it is when the caller takes it. */
function* agedSteps(rows: Iterable<InspectStep>, clock: Pick<Clock, 'now'>): Generator<InspectStep> {
  const at = clock.now()
  for (const row of rows) yield row && ageRow(row, clock.now() - at)
}

function stepsOfListener(
  what: Exclude<InspectRequest['what'], 'ended' | 'happenings'>,
  { spec, listener, port = 0 }: PlannedListener,
  client: string | undefined,
): Iterable<InspectStep> {
  switch (what) {
    case 'listeners':
      return [describeListener(spec, listener, port)]
    case 'endpoints':
      return listener.clients.inspectEndpoints()
    case 'connections':
      return listener.inspectConnections()
    case 'affinity':
      return listener.clients.inspectAffinity(client)
  }
}

function describeListener(
  { address, holdsNodePort }: ListenerSpec,
  { clients: { identity }, isListening, active }: Listener,
  port: number,
): InspectedListener {
  return { listener: identity, address, port, holdsNodePort, isListening, active }
}
