import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { IptablesPrograms } from './iptables.js'
import { detectBackEnd } from './iptables-back-end.js'

/**
 * Finds the IP families whose rules this machine can read. It logs and leaves out a family that it cannot read, for example
 * IPv6 in a kernel without it.
 *
 * @throws ProxyFailure PROGRAM_MISSING, IPTABLES_FORBIDDEN …, when it can read none
 */
export async function detectIptables(log: Log): Promise<readonly IptablesPrograms[]> {
  const backEnd = await detectBackEnd()
  const usable: IptablesPrograms[] = []
  let firstError: unknown
  for (const family of ['IPv4', 'IPv6'] as const) {
    const iptables = new IptablesPrograms(family, backEnd)
    try {
      await iptables.read(['nat'])
      usable.push(iptables)
    } catch (error) {
      firstError ??= error
      log.info(0, 'Not serving this IP family: cannot read its rules', { family, reason: messageOf(error) })
    }
  }
  if (usable.length === 0) throw firstError
  log.info(0, 'Using iptables', { backEnd, families: usable.map(({ family }) => family).join(' ') })
  return usable
}
