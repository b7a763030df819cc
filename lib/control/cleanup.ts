import { type IpFamily } from '../model/address.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { MODES, chainOwners } from '../modes/registry.js'
import { removeStaleChains } from '../modes/remove-stale-chains.js'
import { IptablesPrograms } from '../system/iptables.js'
import { type IptablesBackEnd } from '../system/iptables-back-end.js'
import { kernelTools } from '../system/kernel-tools.js'
import { drainOrphans } from '../workers/orphans.js'

/** What a cleanup found and did in one back end of iptables of a family, or in one mode besides rules. */
export interface CleanupResult {
  readonly target: { readonly family: IpFamily; readonly backEnd: IptablesBackEnd } | { readonly mode: string }
  readonly outcome: 'removed' | 'nothing there' | 'not on this machine' | ProxyFailure
}

/**
 * Removes every rule and chain of every mode, ours and kube-proxy's, in both families and in every back end of iptables that
 * this machine has: the one in use may have changed since the rules were written. Then what each mode has besides rules.
 * Workers that a killed process left behind end.
 */
export async function cleanup(log: Log): Promise<CleanupResult[]> {
  const results: CleanupResult[] = []
  for (const family of ['IPv4', 'IPv6'] as const) {
    for (const backEnd of ['nft', 'legacy'] as const) results.push(await cleanupIptables(family, backEnd))
    // A build with one back end has programs without its name only.
    if (results.slice(-2).every(({ outcome }) => outcome === 'not on this machine'))
      results.push(await cleanupIptables(family, 'plain'))
  }
  for (const mode of MODES) if (mode.cleanup !== undefined) results.push(await cleanupMode(mode, log))
  await drainOrphans(log)
  return results
}

/** The failure that the results add up to, or undefined when nothing is left. */
export function cleanupFailure(results: readonly CleanupResult[]): ProxyFailure | undefined {
  const failures = results.map(({ outcome }) => outcome).filter(outcome => outcome instanceof ProxyFailure)
  if (failures.length > 0) {
    const message = `Cannot remove everything: ${failures.map(messageOf).join('; ')}`
    return new ProxyFailure('CLEANUP_INCOMPLETE', message, {
      cause: failures[0],
      ...(failures[0]!.hint === undefined ? {} : { hint: failures[0]!.hint }),
    })
  }
  if (results.some(({ outcome }) => outcome !== 'not on this machine')) return undefined
  return new ProxyFailure('PROGRAM_MISSING', 'Cannot look for rules: there is no iptables on this machine', {
    hint: 'Install the package "iptables" (Debian, Ubuntu: apt-get install iptables)',
  })
}

/** Logs what a cleanup found and did; `cleanupFailure` sums up the failures. */
export function logCleanup(results: readonly CleanupResult[], log: Log): void {
  for (const { target, outcome } of results)
    log.info(0, 'Cleaned up', { ...target, outcome: outcome instanceof ProxyFailure ? 'failed' : outcome })
}

/** Cleans up for `--on-exit=cleanup`. A failure is logged: it does not change how the program ends. */
export async function cleanupOnExit(log: Log): Promise<void> {
  const results = await cleanup(log)
  logCleanup(results, log)
  const failure = cleanupFailure(results)
  if (failure !== undefined) log.error('Cleanup incomplete', failure)
}

async function cleanupIptables(family: IpFamily, backEnd: IptablesBackEnd): Promise<CleanupResult> {
  const iptables = new IptablesPrograms(family, backEnd)
  const outcome = await removalOutcome(() => removeStaleChains(iptables, chainOwners(undefined)))
  const isAbsent =
    outcome instanceof ProxyFailure && (outcome.code === 'PROGRAM_MISSING' || outcome.code === 'IPTABLES_ABSENT')
  return { target: { family, backEnd }, outcome: isAbsent ? 'not on this machine' : outcome }
}

async function cleanupMode(mode: Mode, log: Log): Promise<CleanupResult> {
  const outcome = await removalOutcome(() => mode.cleanup!(kernelTools([], log)))
  return { target: { mode: mode.name }, outcome }
}

async function removalOutcome(remove: () => Promise<boolean>): Promise<'removed' | 'nothing there' | ProxyFailure> {
  try {
    return (await remove()) ? 'removed' : 'nothing there'
  } catch (error) {
    if (error instanceof ProxyFailure) return error
    throw error
  }
}
