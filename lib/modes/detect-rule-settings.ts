import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Iptables } from '../system/iptables.js'
import { kernelFiles } from '../system/kernel-files.js'
import { type IptablesSettings } from './iptables/rule-context.js'
import { type ProbeRules, probeRules } from './probe-rules.js'

const BE_LIBERAL_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'
/** iptables knows random source ports since 1.6.2, and needs a kernel that does. */
const RANDOM_PORT_RULES: ProbeRules = new Map([['nat', [{ target: { kind: 'MASQUERADE', randomPort: true } }]]])

/** What the rules of the kernel modes depend on: what the operator asked for, and what this kernel can do. */
export async function detectRuleSettings(
  { kernelModes: { masqueradeAll, masqueradeMark } }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<IptablesSettings> {
  const failures = await Promise.all(iptables.map(each => probeRules(RANDOM_PORT_RULES, each)))
  return {
    masqueradeAll,
    masqueradeMark,
    randomFully: failures.every(reason => reason === undefined),
    dropInvalid: kernelFiles.read(BE_LIBERAL_FILE) !== 1,
  }
}
