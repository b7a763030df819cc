import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type Frontend } from '../frontends/frontend.js'
import { type ServedFrontends } from '../frontends/frontend-table.js'
import { type IpFamily } from '../model/address.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type RefusalCause } from './refused-rules.js'

/** The result of a write of rules. */
export interface ProgramReport {
  /** Whether anything was written; false if the kernel already had the desired rules. */
  readonly changed: boolean
  /** Whether the kernel lacked something of what was written before. */
  readonly isRepair?: boolean
  /** By table: how many rules this mode has there, and how many of them this write contained. */
  readonly rules: readonly { readonly table: string; readonly owned: number; readonly written: number }[]
  /**
   * What the kernel refuses, so that it is left out: how many service ports, virtual servers or entries of sets, by cause. Omitted if
   * the mode leaves out nothing, or does not know it after this step.
   */
  readonly refused?: Readonly<Partial<Record<RefusalCause | 'server' | 'entry', number>>>
}

/** The rules of one IP family in the kernel. Each family is written separately, so that a failure in one does not delay the other. */
export interface KernelRules {
  readonly family: IpFamily
  /** Whether the kernel may lack rules of the last `update`. */
  readonly pending: boolean
  /**
   * Writes the desired rules.
   * @param verify reads the rules first and repairs changes by other programs, instead of trusting the last write
   * @param onPlanned called when it has taken what to write: a later `update` belongs to a later write
   * @throws ProxyFailure if the rules could not be written; the old ones are still in force then
   */
  program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport>
}

/**
 * Directs the traffic of one node in one mode. It takes whole snapshots, never single events, and applies them in two steps, because
 * the second one is a thousand times more expensive:
 *
 *     update(snapshot)       at every change: what needs no write of rules (sockets, endpoints)
 *     rules[…].program()     when `pending`: the rules in the kernel, as rarely as the operator configures
 *
 * The steps may run at the same time, but each of them only once at a time.
 */
export interface Proxier {
  /** One for each IP family that the node serves. */
  readonly rules: readonly KernelRules[]
  /** What the last update serves. Omitted: unknown. */
  readonly served?: ServedFrontends
  /** The frontends that lead to each listener now, by its key. Omitted: there are no listeners. */
  readonly frontendsByListener?: ReadonlyMap<ServicePortKey, readonly Frontend[]>
  /** The sockets that are open now, with their ports. Omitted: there are none. */
  readonly listeners?: readonly ListenerSpec[]
  /** Reads what an earlier process left in the kernel, and continues from there. @throws ProxyFailure if it cannot be read */
  start(): Promise<void>
  /**
   * Logs and counts what it could not open; the next call tries again.
   * @throws ProxyFailure if nothing can serve at the moment; the rules that are programmed stay desired until a later call
   */
  update(snapshot: ServiceSnapshot): Promise<{ readonly failed: number }>
  /**
   * Releases the node ports that this process holds, so that another one can hold them; clients that rules lead here are served as
   * before. Called when no step runs, and none runs later. Omitted if the process holds none.
   */
  releaseNodePorts?(): Promise<void>
  /** Stops timers of the proxier. Resolves when nothing that they started runs any more. Omitted if there are none. */
  stop?(): Promise<void>
}
