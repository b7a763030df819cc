import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { type FoundIptables, findIptables } from '../system/detect-iptables.js'
import { readKernelBuild } from '../system/kernel-build.js'
import { kernelTools } from '../system/kernel-tools.js'
import { inspectMode, missingRequirements } from './inspect-mode.js'
import { readNodeLimits } from './node-limits.js'
import { type MissingRequirement, type ModeReport, type NodeReport } from './node-report.js'
import { readPrograms } from './read-programs.js'

/** The report itself says what the parts would log. */
const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined, enabled: () => false }

/**
 * Finds out what this node supports, for each mode. It tries rules in a chain of its own, to which no rule jumps, and removes it;
 * it changes no rule and no setting.
 * @param config its modes, in the order of preference, decide which mode would be chosen
 * @param modes all modes
 * @param version of this program
 * @param onProgress gets what is being tried
 */
export async function checkNode(
  config: KubeProxyConfig,
  modes: readonly Mode[],
  version: string,
  onProgress: (what: string) => void,
): Promise<NodeReport> {
  const build = readKernelBuild()
  onProgress('programs')
  const programs = await readPrograms()
  const reports: ModeReport[] = []
  const found = await findIptables().catch(toFailure)
  if (found instanceof ProxyFailure) {
    // An operator who has to install iptables wants to know at once what else to install.
    const asksMore = found.code === 'PROGRAM_MISSING'
    const kernel = kernelTools([], SILENT)
    for (const mode of modes) {
      const more = asksMore ? await missingRequirements(mode, config, kernel, build) : []
      const report = withoutIptables(mode.name, found)
      reports.push({ ...report, missing: [...report.missing, ...more] })
    }
  } else {
    const kernel = kernelTools(found.usable, SILENT)
    for (const mode of modes) {
      onProgress(`mode ${mode.name}`)
      const report =
        found.usable.length === 0
          ? withoutIptables(mode.name, found.unusable[0]!.error)
          : await inspectMode(mode, config, kernel, build)
      reports.push({ ...report, missing: [...unusableParts(found), ...report.missing] })
    }
  }
  const chosen = config.modes.find(name => reports.some(({ mode, works }) => mode === name && works))
  return {
    version,
    kernel: { release: build.release, configFile: build.configFile ?? null },
    programs,
    modes: reports,
    limits: readNodeLimits(config.conntrack),
    chosenMode: chosen ?? null,
  }
}

function toFailure(error: unknown): ProxyFailure {
  if (error instanceof ProxyFailure) return error
  throw error
}

function withoutIptables(mode: string, error: unknown): ModeReport {
  return { mode, works: false, missing: [missingIptables(null, error)] }
}

/** What this process cannot use of iptables. It does not keep a mode from serving what is left. */
function unusableParts({ usable, unusable, unreadable }: FoundIptables): readonly MissingRequirement[] {
  if (usable.length === 0) return []
  const families = unusable.map(({ family, error }) => missingIptables(family, error))
  if (unreadable === undefined) return families
  const backEnd: MissingRequirement = {
    what: `iptables back end ${unreadable.backEnd}`,
    family: null,
    kernelOptions: [],
    module: null,
    reason: unreadable.failure.message,
    advice:
      unreadable.failure.code === 'IPTABLES_FORBIDDEN'
        ? 'Give the capabilities NET_ADMIN and NET_RAW, or this program may use another back end than the node does'
        : 'See the reason: this program may use another back end than the node does',
  }
  return [backEnd, ...families]
}

function missingIptables(family: MissingRequirement['family'], error: unknown): MissingRequirement {
  const hint = error instanceof ProxyFailure ? error.hint : undefined
  return {
    what: 'iptables',
    family,
    kernelOptions: [],
    module: null,
    reason: messageOf(error),
    advice: hint ?? 'See the reason',
  }
}
