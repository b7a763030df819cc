import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { factsOf } from '../explain/explained-state.js'
import { kernelState } from '../explain/kernel-state.js'
import { findSender } from '../explain/find-sender.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { MODES, modeByName } from '../modes/registry.js'
import { hostPort } from '../model/address.js'
import { type RuleStep, translationOf } from '../netfilter/walk/packet-path.js'
import { walkRules } from '../netfilter/walk/walk-rules.js'
import { findIptables } from '../system/detect-iptables.js'
import { kernelTools } from '../system/kernel-tools.js'
import { readRecentLists } from '../system/recent-lists.js'
import { type KernelAffinity, type KernelFacts } from './kernel-facts.js'
import { type ProbeTarget } from './probe-endpoints.js'
import { type Seen, seen, unseen } from './seen.js'
import { type WalkInput, clientKindOf, walkService, walkToEndpoints } from './walk-service.js'

/** What is asked of the kernel. */
export interface KernelQuestion extends Pick<WalkInput, 'ports' | 'endpoints' | 'sourceRanges' | 'client'> {
  readonly config: KubeProxyConfig
  /** The mode of the running proxy; undefined: the rules show it. */
  readonly mode: string | undefined
  readonly targets: readonly ProbeTarget[]
}

/** The findings show what the parts would log. */
const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined, enabled: () => false }

/** Reads the rules of this node, and follows packets for the Service through them. */
export async function readKernel({ config, mode, targets, ...question }: KernelQuestion): Promise<Seen<KernelFacts>> {
  try {
    const iptables = await findIptables()
    const kernel = kernelTools(iptables.usable, SILENT)
    const state = await kernelState({ modes: MODES, config, iptables, kernel, objects: undefined })
    const name = mode ?? state.mode
    // Without a proxy and without its rules, this may be no node at all.
    if (name === '')
      return unseen('no proxy answers, and the kernel has no rules of a kube-proxy: is this a node of the cluster?')
    const { chains, carriedBy } = modeByName(name)
    const input: WalkInput = { ...question, state, chains }
    return seen({
      ...{ mode: name, carriedBy, addresses: state.layout.addresses.map(({ ip }) => ip) },
      clientKind: clientKindOf(input),
      walks: walkService(input),
      endpointWalks: walkToEndpoints(targets, input),
      affinity: kernelAffinity(input),
      notes: state.notes,
    })
  } catch (error) {
    return unseen(`the rules in the kernel cannot be read: ${messageOf(error)}`)
  }
}

/** The clients that lists of `-m recent` have. The list of an endpoint has the name of its chain. */
function kernelAffinity(input: WalkInput): KernelAffinity[] {
  const lists = readRecentLists()
  if (lists.size === 0) return []
  const { state } = input
  return input.ports.flatMap((port): KernelAffinity[] => {
    const rules = state.rules.get(port.family)
    if (port.affinitySeconds === null || rules === undefined) return []
    const sender = findSender({ kind: 'outside', address: undefined }, port.clusterIP, state)
    const { hook, address: source, inInterface } = sender
    const packet = { hook, protocol: port.protocol, source, destination: port.clusterIP, port: port.port, inInterface }
    return walkRules(rules, packet, factsOf(state)).paths.flatMap(path => {
      const step = translationOf(path)
      const clients = step?.kind === 'rule' ? lists.get(step.chain) : undefined
      if (clients === undefined) return []
      const { destination, port: number } = path.packet
      return [
        {
          ...{ portName: port.portName, endpoint: hostPort(destination, number), clients: [...clients.keys()] },
          connections: rules.counter((step as RuleStep).args)?.packets ?? 0,
        },
      ]
    })
  })
}
