import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Iptables } from '../system/iptables.js'
import { kernelFiles } from '../system/kernel-files.js'
import { type ProbeRules, probeRules } from './probe-rules.js'
import { type RuleSettings } from './rule-settings.js'

const BE_LIBERAL_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'
/** iptables supports random source ports since 1.6.2; the kernel must support them too. */
const RANDOM_PORT_RULES: ProbeRules = new Map([['nat', [{ target: { kind: 'MASQUERADE', randomPort: true } }]]])

/** The settings of the rules of iptables and ipvs mode: from the configuration, and from what this kernel supports. */
export async function detectRuleSettings(
  { kernelModes: { masqueradeAll, masqueradeMark } }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<RuleSettings> {
  const failures = await Promise.all(iptables.map(each => probeRules(RANDOM_PORT_RULES, each)))
  return {
    masqueradeAll,
    masqueradeMark,
    randomFully: failures.every(reason => reason === undefined),
    dropInvalid: kernelFiles.read(BE_LIBERAL_FILE) !== 1,
  }
}
