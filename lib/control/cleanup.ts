import { IP_FAMILIES, type IpFamily } from '../model/address.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { MODES, chainOwners } from '../modes/registry.js'
import { removeStaleChains } from '../modes/remove-stale-chains.js'
import { IptablesPrograms } from '../system/iptables.js'
import { type IptablesBackEnd } from '../system/iptables-back-end.js'
import { kernelTools } from '../system/kernel-tools.js'
import { deleteEntriesOfOrphans, drainOrphans } from '../workers/orphans.js'

/** The result of a cleanup for one back end of iptables in one family, or for what a mode has besides rules. */
export interface CleanupResult {
  readonly target: { readonly family: IpFamily; readonly backEnd: IptablesBackEnd } | { readonly mode: string }
  readonly outcome: 'removed' | 'nothing there' | Absence | ProxyFailure
}

/** Why there can be no rule of any kube-proxy: the program is not installed, or the kernel lacks the back end for this family. */
type Absence = 'not on this machine' | 'not in this kernel'

/**
 * Removes the rules and chains of all modes, also those that the original kube-proxy made. It does so in both families and in every
 * back end of iptables on this machine, because the back end may have changed since the rules were written. Then it removes what
 * each mode has besides rules, and ends the workers that a killed process left.
 * @param mayContinue asked before each step: what is left may belong to another proxy by now
 * @returns the results of the steps that were made
 */
export async function cleanup(log: Log, mayContinue = (): boolean => true): Promise<CleanupResult[]> {
  const results: CleanupResult[] = []
  const run = async (step: () => Promise<CleanupResult>): Promise<void> => {
    if (mayContinue()) results.push(await step())
  }
  for (const family of IP_FAMILIES) {
    const before = results.length
    for (const backEnd of ['nft', 'legacy'] as const) await run(() => cleanupIptables(family, backEnd))
    // A build of iptables with a single back end has only programs without a back end in their names.
    if (results.slice(before).every(({ outcome }) => isAbsence(outcome)))
      await run(() => cleanupIptables(family, 'plain'))
  }
  for (const mode of MODES) if (mode.cleanup !== undefined) await run(() => cleanupMode(mode, log))
  if (mayContinue()) await drainOrphans(log)
  if (mayContinue()) await deleteEntriesOfOrphans(log)
  return results
}

/** Sums up the results: undefined if nothing is left. */
export function cleanupFailure(results: readonly CleanupResult[]): ProxyFailure | undefined {
  const failures = results.map(({ outcome }) => outcome).filter(outcome => outcome instanceof ProxyFailure)
  if (failures.length > 0) {
    const message = `Cannot remove everything: ${failures.map(messageOf).join('; ')}`
    return new ProxyFailure('CLEANUP_INCOMPLETE', message, {
      cause: failures[0],
      ...(failures[0]!.hint === undefined ? {} : { hint: failures[0]!.hint }),
    })
  }
  const ofIptables = results.filter(({ target }) => 'backEnd' in target)
  if (ofIptables.length === 0 || ofIptables.some(({ outcome }) => outcome !== 'not on this machine')) return undefined
  return new ProxyFailure('PROGRAM_MISSING', 'Cannot search for rules: iptables is not installed on this machine', {
    hint: 'Install the package "iptables" (Debian, Ubuntu: apt-get install iptables)',
  })
}

/** Logs each result, and at `-v=2` what cannot be here; `cleanupFailure` sums up the failures. */
export function logCleanup(results: readonly CleanupResult[], log: Log): void {
  const absent: string[] = []
  for (const { target, outcome } of results) {
    if (isAbsence(outcome)) absent.push(`${Object.values(target).join(' ')} (${outcome})`)
    else log.info(0, 'Cleaned up', { ...target, outcome: outcome instanceof ProxyFailure ? 'failed' : outcome })
  }
  if (absent.length > 0) log.info(2, 'Nothing to clean up there', { backEnds: absent.join(', ') })
}

/**
 * Cleans up for `--on-exit=cleanup`. A failure is logged and does not change the exit code.
 * @param mayContinue as for `cleanup`
 */
export async function cleanupOnExit(log: Log, mayContinue: () => boolean): Promise<void> {
  const results = await cleanup(log, mayContinue)
  logCleanup(results, log)
  if (!mayContinue())
    return log.info(0, 'The cleanup has ended early: another kube-proxy takes over, or a second signal came')
  const failure = cleanupFailure(results)
  if (failure !== undefined) log.error('Cleanup incomplete', failure)
}

async function cleanupIptables(family: IpFamily, backEnd: IptablesBackEnd): Promise<CleanupResult> {
  const iptables = new IptablesPrograms(family, backEnd)
  const outcome = await removalOutcome(() => removeStaleChains(iptables, chainOwners(undefined)))
  return { target: { family, backEnd }, outcome: absenceOf(outcome) ?? outcome }
}

function absenceOf(outcome: CleanupResult['outcome']): Absence | undefined {
  if (!(outcome instanceof ProxyFailure)) return undefined
  if (outcome.code === 'PROGRAM_MISSING') return 'not on this machine'
  return outcome.code === 'IPTABLES_ABSENT' ? 'not in this kernel' : undefined
}

function isAbsence(outcome: CleanupResult['outcome']): outcome is Absence {
  return outcome === 'not on this machine' || outcome === 'not in this kernel'
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
