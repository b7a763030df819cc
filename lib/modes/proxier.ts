import { type IpFamily } from '../model/address.js'
import { type ServiceSnapshot } from '../model/snapshot.js'

/** What a write of rules did. */
export interface ProgramReport {
  /** Whether the kernel was written to; false when everything was as it should be. */
  readonly changed: boolean
  /** Rules of ours by table, all and those of this write. */
  readonly rules: readonly { readonly table: string; readonly owned: number; readonly written: number }[]
}

/** The kernel's rules of one IP family. Each family is written by itself: what fails in one never holds up the other. */
export interface KernelRules {
  readonly family: IpFamily
  /** Whether the rules differ from what the last `update` asks for, as far as we know. */
  readonly pending: boolean
  /**
   * Makes the rules true.
   * @param verify read them first, so that what others changed is repaired, instead of trusting the last write
   * @throws ProxyFailure when they could not be written; the old ones are then still in force
   */
  program(verify: boolean): Promise<ProgramReport>
}

/**
 * Steers the traffic of one node in one mode. It takes whole snapshots, never single events, and makes them true in two
 * steps, because their costs differ by a thousand:
 *
 *     update(snapshot)       at every change: what needs no write to the kernel's rules (sockets, endpoints)
 *     rules[…].program()     when `pending`: the kernel's rules, as seldom as the operator allows
 *
 * All may run at the same time; none runs twice at the same time.
 */
export interface Proxier {
  /** One for each IP family that is served. */
  readonly rules: readonly KernelRules[]
  /** Reads what an earlier process left in the kernel, to go on from there. @throws ProxyFailure when rules cannot be read */
  start(): Promise<void>
  /** Rejects never; what could not be opened is logged, counted in the result and tried again by the next call. */
  update(snapshot: ServiceSnapshot): Promise<{ readonly failed: number }>
  /** Ends what goes on by itself; the kernel stays as it is. Left out: nothing does. */
  stop?(): void
}
