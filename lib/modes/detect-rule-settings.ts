import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IptablesSettings } from './iptables/rule-context.js'
import { RANDOM_PORT_RULES } from './mode-probe-rules.js'
import { probeRules } from './probe-rules.js'
import { type Iptables } from '../system/iptables.js'
import { kernelFiles } from '../system/kernel-files.js'

const BE_LIBERAL_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'

/** What rules of the kernel modes depend on, by the operator's wish and by what this kernel can do. */
export async function detectRuleSettings(
  { kernelModes: { masqueradeAll, masqueradeMark } }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<IptablesSettings> {
  // iptables knows random source ports since 1.6.2, and needs a kernel that does.
  const failures = await Promise.all(iptables.map(each => probeRules(RANDOM_PORT_RULES, each)))
  return {
    masqueradeAll,
    masqueradeMark,
    randomFully: failures.every(reason => reason === undefined),
    dropInvalid: kernelFiles.read(BE_LIBERAL_FILE) !== 1,
  }
}
