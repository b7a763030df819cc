import { type KubeProxyConfig } from '../../config/kube-proxy-config.js'
import { explainPacket } from '../../explain/explain-packet.js'
import { type ExplainedState } from '../../explain/explained-state.js'
import { kernelState } from '../../explain/kernel-state.js'
import { offlineState } from '../../explain/offline-state.js'
import { parseDestination } from '../../explain/destination-text.js'
import { parseSender } from '../../explain/sender-text.js'
import { parseIp } from '../../model/address.js'
import { parseCidr } from '../../model/cidr.js'
import { ProxyFailure } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { MODES, modeByName } from '../../modes/registry.js'
import { closestText } from '../../primitives/closest-text.js'
import { quoteValue } from '../../primitives/quote-value.js'
import { readManifests } from '../../source/read-manifests.js'
import { findIptables } from '../../system/detect-iptables.js'
import { kernelTools } from '../../system/kernel-tools.js'
import { terminalStyle } from '../../terminal/terminal-style.js'
import { explanationLines } from './explanation-lines.js'

export interface RunExplainOptions {
  readonly from: string
  readonly to: string
  readonly namespace: string
  readonly output: 'text' | 'wide' | 'json'
  /** Undefined: `plan` with manifests, else `kernel`. */
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
  const { namespace, output, version } = options
  const from = parseSender(options.from)
  if (from === undefined) throw wrongSender(options.from)
  const to = parseDestination(options.to)
  if (to === undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', `${quoteValue(options.to)}: not a destination`, {
      hint: 'Use NAME:PORT, NAMESPACE/NAME:PORT or IP:PORT, such as nginx-service:80 or 10.96.0.10:80',
    })
  const explanation = explainPacket({ from, to, namespace, version }, await readState(options))
  const text =
    output === 'json'
      ? JSON.stringify(explanation, undefined, 2)
      : explanationLines(explanation, output === 'wide', terminalStyle(process.stdout)).join('\n')
  process.stdout.write(`${text}\n`)
}

function wrongSender(text: string): ProxyFailure {
  const near = closestText(text.split('/')[0]!, ['pod', 'node', 'outside'])
  return new ProxyFailure(
    'EXPLAIN_INVALID',
    `${quoteValue(text)}: not a sender${near === undefined ? '' : `; did you mean ${near}?`}`,
    { hint: 'Use pod/IP, node, outside, outside/IP, or an address' },
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
