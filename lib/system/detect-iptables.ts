import { IP_FAMILIES, type IpFamily } from '../model/address.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { IptablesPrograms } from './iptables.js'
import { type DetectedBackEnd, type IptablesBackEnd, detectBackEnd } from './iptables-back-end.js'

/** The iptables of a node: its back end, and the IP families that can be read. */
export interface FoundIptables {
  readonly backEnd: IptablesBackEnd
  readonly usable: readonly IptablesPrograms[]
  /** Families whose rules cannot be read, for example IPv6 in a kernel without it. */
  readonly unusable: readonly { readonly family: IpFamily; readonly error: unknown }[]
  /** A back end that this process may not read, though the node may use it. */
  readonly unreadable: DetectedBackEnd['unreadable']
}

/**
 * Finds the back end of this node and the IP families whose rules can be read.
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN, when there is no back end
 */
export async function findIptables(): Promise<FoundIptables> {
  const { backEnd, unreadable } = await detectBackEnd()
  const usable: IptablesPrograms[] = []
  const unusable: FoundIptables['unusable'][number][] = []
  for (const family of IP_FAMILIES) {
    const iptables = new IptablesPrograms(family, backEnd)
    try {
      await iptables.read(['nat'])
      usable.push(iptables)
    } catch (error) {
      unusable.push({ family, error })
    }
  }
  return { backEnd, usable, unusable, unreadable }
}

/**
 * The IP families that this node serves. It logs and leaves out a family that it cannot read.
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN …, when it can read none
 */
export async function detectIptables(log: Log): Promise<readonly IptablesPrograms[]> {
  const { backEnd, usable, unusable, unreadable } = await findIptables()
  for (const { family, error } of unusable)
    log.info(0, 'Not serving this IP family: cannot read its rules', { family, reason: messageOf(error) })
  if (usable.length === 0) throw unusable[0]!.error
  if (unreadable !== undefined)
    log.warn('This process may not read the rules of the other iptables back end, which the node may use', {
      using: backEnd,
      unreadable: unreadable.backEnd,
      reason: unreadable.reason,
      hint: 'Give the capabilities NET_ADMIN and NET_RAW: back end legacy needs both',
    })
  log.info(0, 'Using iptables', { backEnd, families: usable.map(({ family }) => family).join(' ') })
  return usable
}
