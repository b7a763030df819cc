import { type IpSets } from '../../system/ip-sets.js'
import { setHeader } from '../../system/ip-set-text.js'
import { type Iptables } from '../../system/iptables.js'
import { PROBE_CHAIN } from '../mode-probe-rules.js'
import { probeRules } from '../probe-rules.js'

/**
 * Tries whether rules may ask sets, which is a module of its own (xt_set). The set and the chain are gone afterwards.
 * @returns why not, with what is missing; undefined: they may
 * @throws ProxyFailure when there can be no set
 */
export async function probeSetMatch(iptables: Iptables, sets: IpSets): Promise<string | undefined> {
  const { family } = iptables
  const name = `${PROBE_CHAIN}-${family}`
  const header = setHeader({ name, type: 'hash:ip,port', family, entries: new Set() })
  await sets.restore(`create ${name} ${header}\n`)
  const rule = { inSet: { name, fields: 'dst,dst' }, target: { kind: 'RETURN' } } as const
  const reason = await probeRules(new Map([['nat', [rule]]]), iptables)
  await sets.restore(`destroy ${name}\n`)
  return reason
}
