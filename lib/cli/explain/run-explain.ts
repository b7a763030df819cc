import { type KubeProxyConfig } from '../../config/kube-proxy-config.js'
import { explainPacket } from '../../explain/explain-packet.js'
import { EXPLANATION_VERSION, type Explanation } from '../../explain/explanation.js'
import { type ExplainedState } from '../../explain/explained-state.js'
import { kernelState } from '../../explain/kernel-state.js'
import { offlineState } from '../../explain/offline-state.js'
import { readRequest } from '../../explain/read-request.js'
import { parseIp } from '../../model/address.js'
import { parseCidr } from '../../model/cidr.js'
import { ProxyFailure } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { MODES, modeByName } from '../../modes/registry.js'
import { quoteValue } from '../../primitives/quote-value.js'
import { readManifests } from '../../source/read-manifests.js'
import { askProxy, isWithoutProxy } from '../../status/ask-proxy.js'
import { findIptables } from '../../system/detect-iptables.js'
import { kernelTools } from '../../system/kernel-tools.js'
import { terminalStyle } from '../../terminal/terminal-style.js'
import { explanationLines } from './explanation-lines.js'

export interface RunExplainOptions {
  readonly from: string
  readonly to: string
  readonly namespace: string
  readonly output: 'text' | 'wide' | 'json'
  /** Undefined: `plan` with manifests; else the running proxy answers, or, without one, `kernel`. */
  readonly rules: 'kernel' | 'plan' | undefined
  readonly isNodeNamed: boolean
  readonly nodeAddresses: readonly string[]
  readonly podRanges: readonly string[]
  readonly config: KubeProxyConfig
  readonly version: string
}

/** What is explained shows what the parts would log. */
const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined, enabled: () => false }

/** Explains a packet and prints it. @throws ProxyFailure */
export async function runExplain(options: RunExplainOptions): Promise<void> {
  const { output } = options
  const explanation = await explain(options)
  const text =
    output === 'json'
      ? JSON.stringify(explanation, undefined, 2)
      : explanationLines(explanation, output === 'wide', terminalStyle(process.stdout)).join('\n')
  process.stdout.write(`${text}\n`)
}

/** The proxy of this node knows most. Without one, or if the operator wants something else, this process finds out. */
async function explain(options: RunExplainOptions): Promise<Explanation> {
  const { config, rules, version } = options
  const request = readRequest(options, version)
  if (rules === undefined && config.manifests.length === 0 && config.statusSocket !== '') {
    try {
      return await askRunningProxy(options)
    } catch (error) {
      if (!isWithoutProxy(error)) throw error
      process.stderr.write(`${error.message}: this follows the rules in the kernel, which do not name Services\n`)
    }
  }
  return explainPacket(request, await readState(options))
}

async function askRunningProxy({ config, from, to, namespace, version }: RunExplainOptions): Promise<Explanation> {
  const { statusSocket } = config
  const parameters = { from, to, namespace }
  const { explanation, proxyVersion } = await askProxy<{
    readonly explanation: Explanation
    readonly proxyVersion: string
  }>(statusSocket, 'explain', parameters, version, 'EXPLAIN_INVALID')
  if (explanation.apiVersion === EXPLANATION_VERSION) return explanation
  throw new ProxyFailure(
    'STATUS_UNAVAILABLE',
    `The proxy at ${quoteValue(statusSocket)} is version ${proxyVersion} and explains in the form ${quoteValue(String(explanation.apiVersion))}; this program is version ${version} and knows ${EXPLANATION_VERSION}`,
    { hint: 'Ask with the kube-proxy program of the version that runs, or give --rules=kernel' },
  )
}

async function readState(options: RunExplainOptions): Promise<ExplainedState> {
  const { config, isNodeNamed } = options
  const hasManifests = config.manifests.length > 0
  const rules = options.rules ?? (hasManifests ? 'plan' : 'kernel')
  const objects = hasManifests ? await readManifests(config.manifests) : undefined
  if (rules === 'kernel') {
    const iptables = await findIptables()
    return kernelState({ modes: MODES, config, iptables, kernel: kernelTools(iptables.usable, SILENT), objects })
  }
  if (objects === undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', 'Rules can be planned for known objects only', {
      hint: 'Give the objects with --manifests, or leave --rules=plan out to follow the rules in the kernel',
    })
  return offlineState({
    objects,
    config,
    mode: modeByName(config.modes[0]!),
    isNodeNamed,
    nodeAddresses: options.nodeAddresses.map(text => read('--node-address', text, parseIp, 'an IP address')),
    podRanges: options.podRanges.map(text => read('--pod-cidr', text, parseCidr, 'a range such as 10.244.0.0/24')),
  })
}

function read<T>(flag: string, text: string, parse: (text: string) => T | undefined, expected: string): T {
  const value = parse(text)
  if (value !== undefined) return value
  throw new ProxyFailure('EXPLAIN_INVALID', `${flag} ${quoteValue(text)}: expected ${expected}`, {
    hint: 'See kube-proxy explain --help',
  })
}
