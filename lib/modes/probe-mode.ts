import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { type Mode } from './mode.js'
import { probeRules } from './probe-rules.js'

/**
 * Checks whether a mode works on this node, as fast as it can: all its rules are one write for each IP family.
 * @returns why it does not work, and what is missing; undefined if it works
 */
export async function probeMode(mode: Mode, config: KubeProxyConfig, kernel: KernelTools): Promise<string | undefined> {
  const probes = kernel.iptables.map(each => probeRules(mode.probeRules(config, each.family), each))
  const reason = (await Promise.all(probes)).find(each => each !== undefined)
  if (reason !== undefined) return reason
  for (const requirement of mode.requirements?.(config, kernel) ?? []) {
    const lack = await requirement.probe()
    if (lack !== undefined) return lack.hint === undefined ? lack.reason : `${lack.reason} (${lack.hint})`
  }
  return undefined
}
