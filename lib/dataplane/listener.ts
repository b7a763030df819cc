import { type TrafficCounts } from './data-plane.js'
import { type InspectStep, type InspectedConnection } from './inspect-request.js'
import { type ListenerClients } from './listener-clients.js'
import { type ListenerSpec } from './listener-plan.js'

/** One port of the node that the data plane serves. */
export interface Listener {
  /** The Service that it belongs to: `namespace/name`. */
  readonly service: string
  /** What is the same for every protocol: its endpoints, and who may use them. */
  readonly clients: Pick<ListenerClients, 'identity' | 'inspectEndpoints' | 'inspectAffinity'>
  /** Starts listening. Resolves with the port; rejects with the system's error. Called once. */
  open(): Promise<number>
  /**
   * Takes new endpoints, affinity, balancer or source ranges. Open connections go on; UDP flows to endpoints that are gone end.
   * Without endpoints the listener closes its socket. Returns a promise when it has to open the socket again, which may fail.
   */
  update(spec: ListenerSpec): Promise<void> | undefined
  /** Stops listening. Open connections go on. */
  close(): void
  /** Aborts the open connections; returns how many there were. */
  abortConnections(): number
  /** Totals since the listener was made. */
  counts(): Readonly<TrafficCounts>
  /** How many connections or flows are open now. */
  readonly active: number
  /** Whether its socket is open. */
  readonly isListening: boolean
  /** The connections or flows that are open now. The caller may do other work between the steps of this, and of the next ones. */
  inspectConnections(): Iterable<InspectStep<InspectedConnection>>
  /** The client address of each open connection or flow. */
  clientAddresses(): Iterable<string>
  /** How many connections a drain has to wait for. */
  countBusy(): number
}
