import { ProxyFailure } from '../model/failure.js'

/**
 * Why something is left out of the rules: the kernel refuses every rule of this kind, for example because it lacks a module; or one of
 * its rules; or it was refused together with others, and which of them it is was not found yet.
 */
export const REFUSAL_CAUSES = ['kind', 'rule', 'unresolved'] as const
/** One of them. */
export type RefusalCause = (typeof REFUSAL_CAUSES)[number]

/** Why something is left out, and the message of the kernel. */
export interface Refusal {
  readonly cause: RefusalCause
  readonly reason: string
}

/** How many service ports are left out, by cause. */
export type RefusalCounts = Readonly<Record<RefusalCause, number>>

/** Whether a write failed because of what it contained. Else another attempt may succeed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ProxyFailure && error.code === 'IPTABLES_RESTORE_FAILED'
}
