import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Mode } from '../modes/mode.js'
import { probeMode } from '../modes/probe-mode.js'
import { commentedRules, probeExactRules } from '../modes/probe-rules.js'
import { kernelFeatures } from '../netfilter/kernel-features.js'
import { type Iptables } from '../system/iptables.js'
import { type KernelBuild } from '../system/kernel-build.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { advise } from './advise.js'
import { type MissingRequirement, type ModeReport } from './node-report.js'

/** What a mode lacks, before there is advice. */
interface Refusal {
  readonly what: string
  readonly family: MissingRequirement['family']
  readonly kernelOptions: readonly string[]
  readonly module: string | undefined
  readonly reason: string
  /** As in `LackingFeature`. */
  readonly install?: string | undefined
}

/** Checks whether a mode works on this node. If the node lacks anything, it tries each requirement by itself and lists them all. */
export async function inspectMode(
  mode: Mode,
  config: KubeProxyConfig,
  kernel: KernelTools,
  build: KernelBuild,
): Promise<ModeReport> {
  // Alone in the list, a mode serves what it can; with others, it must serve everything. Both are of interest here.
  const alone = { ...config, modes: [mode.name] }
  const withOthers = { ...config, modes: [mode.name, ''] }
  if ((await probeMode(mode, withOthers, kernel)) === undefined) return { mode: mode.name, works: true, missing: [] }
  const works = (await probeMode(mode, alone, kernel)) === undefined
  const refusals: Refusal[] = []
  for (const iptables of kernel.iptables) refusals.push(...(await refusedFeatures(mode, withOthers, iptables)))
  const missing = await Promise.all(refusals.map(refusal => withAdvice(refusal, build)))
  return {
    mode: mode.name,
    works,
    missing: [...missing, ...(await missingRequirements(mode, withOthers, kernel, build))],
  }
}

/** What a mode lacks besides rules. */
export async function missingRequirements(
  mode: Mode,
  config: KubeProxyConfig,
  kernel: KernelTools,
  build: KernelBuild,
): Promise<readonly MissingRequirement[]> {
  const missing: MissingRequirement[] = []
  for (const { name: what, kernelOptions, module, probe } of mode.requirements?.(config, kernel) ?? []) {
    const lack = await probe()
    if (lack === undefined) continue
    const { reason, hint = 'Install the program', isProgramMissing = false } = lack
    const install = isProgramMissing ? hint : undefined
    missing.push(await withAdvice({ what, family: null, kernelOptions, module, reason, install }, build))
  }
  return missing
}

async function refusedFeatures(mode: Mode, config: KubeProxyConfig, iptables: Iptables): Promise<readonly Refusal[]> {
  const { family, backEnd = 'legacy' } = iptables
  const refusals: Refusal[] = []
  const lost = new Set<string>()
  for (const feature of kernelFeatures(commentedRules(mode.probeRules(config, family)), family, backEnd)) {
    const { name, kernelOptions, module, table, sample } = feature
    // Without the table, every feature in it fails for that reason.
    if (lost.has(table)) continue
    const reason = await probeExactRules(new Map([[table, [sample]]]), iptables)
    if (reason === undefined) continue
    if (name === `-t ${table}`) lost.add(table)
    if (refusals.some(refusal => refusal.what === name)) continue
    refusals.push({ what: name, family, kernelOptions, module, reason })
  }
  return refusals
}

async function withAdvice(refusal: Refusal, build: KernelBuild): Promise<MissingRequirement> {
  const { module, reason, install } = refusal
  const kernelOptions = refusal.kernelOptions.map(option => ({ option, state: build.stateOf(option) }))
  const hasModuleFile = module === undefined ? undefined : await build.hasModuleFile(module)
  const advice = advise({ kernelOptions, module, hasModuleFile, kernelRelease: build.release, reason, install })
  return { what: refusal.what, family: refusal.family, kernelOptions, module: module ?? null, reason, advice }
}
