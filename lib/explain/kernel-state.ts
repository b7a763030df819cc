import { IP_FAMILIES, type IpFamily, familyOf } from '../model/address.js'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Mode } from '../modes/mode.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { walkRules } from '../netfilter/walk/walk-rules.js'
import { type FoundIptables } from '../system/detect-iptables.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { detectMode } from './detect-mode.js'
import { type ExplainedState, factsOf } from './explained-state.js'
import { readKernelFacts } from './kernel-facts.js'
import { listenerAt } from './listener-steps.js'
import { type RawObject, loadObjects } from './load-objects.js'
import { planState } from './plan-state.js'

export interface KernelStateOptions {
  readonly modes: readonly Mode[]
  readonly config: KubeProxyConfig
  readonly iptables: Pick<FoundIptables, 'usable'>
  readonly kernel: KernelTools
  /** What is known of the cluster; undefined: nothing. */
  readonly objects: readonly RawObject[] | undefined
}

/** The state of the node that this process runs on. It only reads. @throws ProxyFailure */
export async function kernelState(options: KernelStateOptions): Promise<ExplainedState> {
  const { modes, config, iptables, kernel, objects } = options
  const rules = new Map<IpFamily, RuleTables>()
  for (const each of iptables.usable) rules.set(each.family, await each.readCounted())
  const mode = detectMode(modes, rules.values())
  const store = objects && loadObjects(objects, config.nodeName)
  const facts = await readKernelFacts(config.nodeName, kernel, rules, store?.node)
  const state = {
    ...facts,
    mode: mode?.name ?? '',
    carriedBy: mode?.carriedBy ?? ('kernel' as const),
    rulesFrom: 'kernel' as const,
    rules,
    notes: [
      ...facts.notes,
      ...(mode === undefined ? ['The kernel has no chain by which a mode of kube-proxy can be recognised'] : []),
    ],
  }
  if (mode?.forecast === undefined || store === undefined)
    return { ...state, known: undefined, findListener: () => undefined }
  const { layout } = facts
  return { ...state, ...withObjects(planState({ mode, config, store, layout, families: IP_FAMILIES, notes: [] })) }
}

/** What objects say besides the rules: the Services, and the endpoints of each socket. */
function withObjects(planned: ExplainedState): Pick<ExplainedState, 'known' | 'findListener'> {
  return {
    known: planned.known,
    findListener: (arrived, sent) => {
      // The ports of the plan are invented. The same packet arrives there at the socket that it arrives at here.
      const [path] = walkRules(planned.rules.get(familyOf(sent.destination))!, sent, factsOf(planned)).paths
      const spec = path?.end.kind === 'delivered' ? planned.findListener(path.packet, sent) : undefined
      if (spec === undefined) return undefined
      return listenerAt([{ ...spec, address: arrived.destination, port: arrived.port }], arrived)
    },
  }
}
