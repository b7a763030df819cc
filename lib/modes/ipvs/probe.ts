import { ProxyFailure, messageOf } from '../../model/failure.js'
import { setHeader } from '../../system/ip-set-text.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { probeDummyInterface, probeIpSets, probeIpvsScheduler } from '../../system/probe-ipvs.js'
import { type Lack, type Requirement } from '../mode.js'
import { KERNEL_FILTER_PROBES, KERNEL_NAT_PROBES, PROBE_CHAIN, type ProbeRules, probeRules } from '../probe-rules.js'

/** The rules of this mode only mark, masquerade and filter. IPVS translates, and has its own probe. */
export const IPVS_PROBE_RULES: ProbeRules = new Map([
  ['nat', KERNEL_NAT_PROBES],
  ['filter', KERNEL_FILTER_PROBES],
])

/** What ipvs mode needs besides rules: IPVS with that scheduler, sets, the interface, and rules that match sets. */
export function ipvsRequirements(
  scheduler: string,
  { iptables, ipvs, ipSets, dummyInterface }: KernelTools,
): readonly Requirement[] {
  return [
    {
      name: `IPVS with the scheduler "${scheduler}"`,
      kernelOptions: ['CONFIG_IP_VS', `CONFIG_IP_VS_${scheduler.toUpperCase()}`],
      module: `ip_vs_${scheduler}`,
      probe: () => lackOf(() => probeIpvsScheduler(scheduler, ipvs)),
    },
    {
      name: 'ipset of type hash:ip,port,net',
      kernelOptions: ['CONFIG_IP_SET', 'CONFIG_IP_SET_HASH_IPPORTNET'],
      module: 'ip_set_hash_ipportnet',
      probe: () => lackOf(() => probeIpSets(ipSets)),
    },
    {
      name: 'dummy interface',
      kernelOptions: ['CONFIG_DUMMY'],
      module: 'dummy',
      probe: () => lackOf(() => probeDummyInterface(dummyInterface)),
    },
    ...iptables.map(each => ({
      name: `rules that match sets (${each.family})`,
      kernelOptions: ['CONFIG_NETFILTER_XT_SET', 'CONFIG_IP_SET_HASH_IPPORT'],
      module: 'xt_set',
      probe: () => lackOf(() => probeSetMatch(each, ipSets)),
    })),
  ]
}

async function lackOf(probe: () => Promise<string | undefined | void>): Promise<Lack | undefined> {
  try {
    const reason = await probe()
    return typeof reason === 'string' ? { reason } : undefined
  } catch (error) {
    if (!(error instanceof ProxyFailure)) throw error
    return { reason: messageOf(error), hint: error.hint, isProgramMissing: error.code === 'PROGRAM_MISSING' }
  }
}

/**
 * Checks whether rules can match sets, which requires the kernel module xt_set. The set and the chain of the probe are removed
 * afterwards.
 * @returns why not, and what is missing; undefined if they can
 * @throws ProxyFailure if the kernel cannot create the set
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
