import { type IpFamily } from '../model/address.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { IptablesPrograms } from '../system/iptables.js'
import { type IptablesFlavour } from '../system/iptables-flavour.js'
import { type Log } from '../model/log.js'
import { cleanupIpvs, leftSets } from '../modes/ipvs/cleanup-ipvs.js'
import { leaveModes } from '../modes/leave-modes.js'
import { isIpvsLeft, leftIpvs } from './left-ipvs.js'
import { relieveOrphans } from '../workers/orphans.js'

/** What `--cleanup` found and did in one back end of iptables of a family, or in IPVS. */
export interface CleanupResult {
  readonly of: { readonly family: IpFamily; readonly backEnd: IptablesFlavour } | { readonly mode: 'ipvs' }
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
    for (const flavour of ['nft', 'legacy'] as const) results.push(await cleanupOne(family, flavour))
    // A build with one back end only has programs without a flavour in their name.
    const ofFamily = results.slice(-2)
    if (ofFamily.every(({ outcome }) => outcome === 'not on this machine')) {
      results.push(await cleanupOne(family, 'plain'))
    }
  }
  results.push({ of: { mode: 'ipvs' }, outcome: await leaveIpvs() })
  await relieveOrphans(log)
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

async function cleanupOne(family: IpFamily, backEnd: IptablesFlavour): Promise<CleanupResult> {
  const iptables = new IptablesPrograms(family, backEnd)
  return { of: { family, backEnd }, outcome: await outcomeOf(() => leaveModes(iptables, undefined)) }
}

async function leaveIpvs(): Promise<CleanupResult['outcome']> {
  try {
    if (!isIpvsLeft() && !(await areSetsLeft())) return 'nothing there'
    return (await cleanupIpvs(leftIpvs([]))) ? 'removed' : 'nothing there'
  } catch (error) {
    if (error instanceof ProxyFailure) return error
    throw error
  }
}

/** Sets may be left where somebody has removed the interface. Without `ipset` nothing of ours has made any. */
async function areSetsLeft(): Promise<boolean> {
  const found = await ipSetProgram.read().catch(() => new Map<string, never>())
  return leftSets(found).length > 0
}

async function outcomeOf(remove: () => Promise<boolean>): Promise<CleanupResult['outcome']> {
  try {
    return (await remove()) ? 'removed' : 'nothing there'
  } catch (error) {
    if (!(error instanceof ProxyFailure)) throw error
    return error.code === 'PROGRAM_MISSING' || error.code === 'IPTABLES_ABSENT' ? 'not on this machine' : error
  }
}
