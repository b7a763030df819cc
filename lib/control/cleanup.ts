import { type IpFamily } from '../model/address.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { IptablesPrograms } from '../system/iptables.js'
import { type IptablesBackEnd } from '../system/iptables-back-end.js'
import { type Log } from '../model/log.js'
import { cleanupIpvs, setLeftovers } from '../modes/ipvs/cleanup.js'
import { removeStaleChains } from '../modes/remove-stale-chains.js'
import { hasIpvsLeftovers, ipvsCleanupOptions } from './left-ipvs.js'
import { drainOrphans } from '../workers/orphans.js'

/** What `--cleanup` found and did in one back end of iptables of a family, or in IPVS. */
export interface CleanupResult {
  readonly target: { readonly family: IpFamily; readonly backEnd: IptablesBackEnd } | { readonly mode: 'ipvs' }
  readonly outcome: 'removed' | 'nothing there' | 'not on this machine' | ProxyFailure
}

/**
 * Removes every rule and chain of every mode, ours and the original's, in both families and in whatever back ends
 * of iptables this machine has: the one in use may have changed since the rules were written. Then what ipvs mode has besides
 * rules. Workers that a killed process left behind are sent home.
 */
export async function cleanup(log: Log): Promise<CleanupResult[]> {
  const results: CleanupResult[] = []
  for (const family of ['IPv4', 'IPv6'] as const) {
    for (const flavour of ['nft', 'legacy'] as const) results.push(await cleanupIptables(family, flavour))
    // A build with one back end only has programs without a flavour in their name.
    const familyResults = results.slice(-2)
    if (familyResults.every(({ outcome }) => outcome === 'not on this machine')) {
      results.push(await cleanupIptables(family, 'plain'))
    }
  }
  results.push({ target: { mode: 'ipvs' }, outcome: await cleanupIpvsLeftovers() })
  await drainOrphans(log)
  return results
}

/** The failure that the results add up to, or undefined when nothing of ours is left. */
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

async function cleanupIptables(family: IpFamily, backEnd: IptablesBackEnd): Promise<CleanupResult> {
  const iptables = new IptablesPrograms(family, backEnd)
  return { target: { family, backEnd }, outcome: await tryRemove(() => removeStaleChains(iptables, undefined)) }
}

async function cleanupIpvsLeftovers(): Promise<CleanupResult['outcome']> {
  try {
    if (!hasIpvsLeftovers() && !(await hasLeftoverSets())) return 'nothing there'
    return (await cleanupIpvs(ipvsCleanupOptions([]))) ? 'removed' : 'nothing there'
  } catch (error) {
    if (error instanceof ProxyFailure) return error
    throw error
  }
}

/** Sets may be left where somebody has removed the interface. Without `ipset` nothing of ours has made any. */
async function hasLeftoverSets(): Promise<boolean> {
  const observed = await ipSetProgram.read().catch(() => new Map<string, never>())
  return setLeftovers(observed).length > 0
}

async function tryRemove(remove: () => Promise<boolean>): Promise<CleanupResult['outcome']> {
  try {
    return (await remove()) ? 'removed' : 'nothing there'
  } catch (error) {
    if (!(error instanceof ProxyFailure)) throw error
    return error.code === 'PROGRAM_MISSING' || error.code === 'IPTABLES_ABSENT' ? 'not on this machine' : error
  }
}
