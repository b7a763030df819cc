import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { IptablesPrograms } from './iptables.js'
import { detectBackEnd } from './iptables-back-end.js'

/**
 * The IP families whose rules can be read on this machine. One that cannot (a kernel without IPv6, say) is left out with a
 * line in the log; the other is served all the same.
 *
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN …, when none can be
 */
export async function detectIptables(log: Log): Promise<readonly IptablesPrograms[]> {
  const flavour = await detectBackEnd()
  const usable: IptablesPrograms[] = []
  let first: unknown
  for (const family of ['IPv4', 'IPv6'] as const) {
    const iptables = new IptablesPrograms(family, flavour)
    try {
      await iptables.read(['nat'])
      usable.push(iptables)
    } catch (error) {
      first ??= error
      log.info(0, 'This IP family is not served: its rules cannot be read', { family, reason: messageOf(error) })
    }
  }
  if (usable.length === 0) throw first
  log.info(0, 'Using iptables', { backEnd: flavour, families: usable.map(({ family }) => family).join(' ') })
  return usable
}
