import { IP_FAMILIES, type IpFamily, familyOf } from '../model/address.js'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { messageOf } from '../model/failure.js'
import { type NodeObject } from '../model/objects.js'
import { type Mode } from '../modes/mode.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type KernelSet } from '../netfilter/walk/kernel-set.js'
import { walkRules } from '../netfilter/walk/walk-rules.js'
import { type FoundIptables } from '../system/detect-iptables.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { KUBE_IPVS_DEVICE, chooseNodeAddress } from '../system/node-addresses.js'
import { canTurnBack, readLinks } from '../system/links.js'
import { readLocalRoutes } from '../system/local-routes.js'
import { readKernelTicks, readRecentLists } from '../system/recent-lists.js'
import { readRoutes } from '../system/routes.js'
import { detectMode } from './detect-mode.js'
import { type ExplainedState, factsOf } from './explained-state.js'
import { listenerAt } from './listener-steps.js'
import { type RawObject, loadObjects } from './load-objects.js'
import { NodeLayout } from './node-layout.js'
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
  const layout = await readLayout(config.nodeName, kernel, store?.node)
  const notes: string[] = []
  const read = async <T>(what: string, fallback: T, action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      notes.push(`Cannot read ${what}: ${messageOf(error)}`)
      return fallback
    }
  }
  const hasIpvs = kernel.hasInterface(KUBE_IPVS_DEVICE)
  const virtualServers = hasIpvs ? await read('virtual servers', [], () => kernel.ipvs.list()) : []
  const addresses = hasIpvs ? await read('Service addresses', undefined, () => kernel.dummyInterface.read()) : undefined
  const links = await read('interfaces', [], readLinks)
  const [recent, ticks] = [readRecentLists(), readKernelTicks()]
  const state = {
    mode: mode?.name ?? '',
    carriedBy: mode?.carriedBy ?? ('kernel' as const),
    rulesFrom: 'kernel' as const,
    rules,
    layout,
    virtualServers,
    serviceAddresses: [...(addresses ?? [])],
    sets: needsSets(rules) ? await read('sets', new Map<string, KernelSet>(), () => readSets(kernel)) : new Map(),
    secondsInList: (list: string, address: string) => {
      const addedAt = recent.get(list)?.get(address)
      if (addedAt === undefined) return 'never' as const
      return ticks === undefined ? undefined : (ticks.now - addedAt) / ticks.perSecond
    },
    canTurnBack: (name: string) => canTurnBack(links, name),
  }
  if (mode === undefined) notes.push('The kernel has no chain by which a mode of kube-proxy can be recognised')
  if (mode?.forecast === undefined || store === undefined)
    return { ...state, known: undefined, findListener: () => undefined, notes }
  return {
    ...state,
    ...withObjects(planState({ mode, config, store, layout, families: IP_FAMILIES, notes: [] })),
    notes,
  }
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

async function readLayout(name: string, kernel: KernelTools, node: NodeObject | undefined): Promise<NodeLayout> {
  const network = kernel.readNetwork()
  const named = node?.addresses ?? []
  const routes = await Promise.all(IP_FAMILIES.map(family => readRoutes(family)))
  return new NodeLayout({
    name,
    main: Object.fromEntries(IP_FAMILIES.map(family => [family, chooseNodeAddress(family, network, named)])),
    addresses: network.addresses,
    routes: routes.flat(),
    localRanges: IP_FAMILIES.flatMap(family => readLocalRoutes(family)),
    assumed: [],
  })
}

function needsSets(rules: ReadonlyMap<IpFamily, RuleTables>): boolean {
  return [...rules.values()].some(({ tables }) =>
    [...tables.values()].some(chains =>
      [...chains.values()].some(ofChain => ofChain.some(args => args.includes('--match-set'))),
    ),
  )
}

async function readSets({ ipSets }: KernelTools): Promise<Map<string, KernelSet>> {
  const observed = await ipSets.read()
  return new Map(
    [...observed].map(([name, { header, entries }]) => [name, { type: header.split(' ', 1)[0] ?? '', entries }]),
  )
}
