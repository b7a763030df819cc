import { IP_FAMILIES, type IpFamily, familyOf } from '../model/address.js'
import { isLasting, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { IptablesPrograms } from './iptables.js'
import { type DetectedBackEnd, type IptablesBackEnd, detectBackEnd } from './iptables-back-end.js'
import { readNodeNetwork } from './node-addresses.js'
import { retryTransient } from './retry-transient.js'

/** The iptables of a node: its back end, and the IP families that can be read. */
export interface FoundIptables {
  readonly backEnd: IptablesBackEnd
  readonly usable: readonly IptablesPrograms[]
  /** Families whose rules cannot be read, for example IPv6 in a kernel without it. */
  readonly unusable: readonly { readonly family: IpFamily; readonly error: unknown }[]
  /** A back end that this process cannot read, though the node may use it. */
  readonly unreadable: DetectedBackEnd['unreadable']
}

/**
 * Finds the back end of this node and the IP families whose rules can be read. It tries several times what may pass.
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN, when there is no back end
 */
export async function findIptables(): Promise<FoundIptables> {
  const { backEnd, unreadable } = await detectBackEnd()
  const usable: IptablesPrograms[] = []
  const unusable: FoundIptables['unusable'][number][] = []
  for (const family of IP_FAMILIES) {
    const iptables = new IptablesPrograms(family, backEnd)
    try {
      await retryTransient(() => iptables.read(['nat']))
      usable.push(iptables)
    } catch (error) {
      unusable.push({ family, error })
    }
  }
  // A kernel without the tables of legacy lists them as none, and so hides that only nft is there, which this process may not read.
  if (usable.length === 0 && unreadable !== undefined) throw unreadable.failure
  return { backEnd, usable, unusable, unreadable }
}

/**
 * What to do at the start with an IP family whose rules cannot be read. A family that this node uses is left out only for a reason
 * that lasts: otherwise its Services would have no proxy until the next restart.
 * @param isUsed whether this node has an address of the family that other machines can reach
 */
export function stepForUnreadable(error: unknown, isUsed: boolean): 'fail' | 'warn' | 'inform' {
  if (!isUsed) return 'inform'
  return isLasting(error) ? 'warn' : 'fail'
}

/**
 * The IP families that this node serves. It logs and leaves out a family that it cannot read.
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN …, when it can read none; PROGRAM_FAILED …, when it cannot read one that
 *   this node uses, though the kernel has it
 */
export async function detectIptables(log: Log): Promise<readonly IptablesPrograms[]> {
  const { backEnd, usable, unusable, unreadable } = await findIptables()
  if (usable.length === 0) throw unusable[0]!.error
  const { addresses } = readNodeNetwork()
  for (const { family, error } of unusable) {
    const step = stepForUnreadable(
      error,
      addresses.some(({ ip }) => familyOf(ip) === family),
    )
    if (step === 'fail') throw error
    const fields = { family, reason: messageOf(error) }
    if (step === 'warn') log.warn('Not serving an IP family of this node: cannot read its rules', fields)
    else log.info(0, 'Not serving this IP family: cannot read its rules', fields)
  }
  if (unreadable !== undefined) logUnreadable(log, backEnd, unreadable)
  log.info(0, 'Using iptables', { backEnd, families: usable.map(({ family }) => family).join(' ') })
  return usable
}

function logUnreadable(
  log: Log,
  using: IptablesBackEnd,
  { backEnd, failure }: NonNullable<DetectedBackEnd['unreadable']>,
): void {
  log.warn('This process cannot read the rules of the other iptables back end, which the node may use', {
    using,
    unreadable: backEnd,
    reason: failure.message,
    ...(failure.code === 'IPTABLES_FORBIDDEN' && {
      hint: 'Give the capabilities NET_ADMIN and NET_RAW: back end legacy needs both',
    }),
  })
}
