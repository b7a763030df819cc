import { IP_FAMILIES, type IpFamily } from '../model/address.js'
import { messageOf } from '../model/failure.js'
import { type NodeObject } from '../model/objects.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type KernelSet } from '../netfilter/walk/kernel-set.js'
import { canTurnBack, readLinks } from '../system/links.js'
import { type KernelTools } from '../system/kernel-tools.js'
import { readLocalRoutes } from '../system/local-routes.js'
import { KUBE_IPVS_DEVICE, chooseNodeAddress } from '../system/node-addresses.js'
import { type KernelTicks, type RecentList, readKernelTicks, readRecentList } from '../system/recent-lists.js'
import { readRoutes } from '../system/routes.js'
import { type ExplainedState } from './explained-state.js'
import { NodeLayout } from './node-layout.js'

/** What the kernel of this node says besides its rules. */
export type KernelFacts = Pick<
  ExplainedState,
  'layout' | 'virtualServers' | 'persisted' | 'serviceAddresses' | 'sets' | 'secondsInList' | 'canTurnBack' | 'notes'
>

/**
 * Reads what decides about packets besides rules. What cannot be read becomes a note.
 * @param rules may need sets
 * @param node the Node object of this machine, if it is known
 */
export async function readKernelFacts(
  nodeName: string,
  kernel: KernelTools,
  rules: ReadonlyMap<IpFamily, RuleTables>,
  node: NodeObject | undefined,
): Promise<KernelFacts> {
  const notes: string[] = []
  const read = async <T>(what: string, fallback: T, action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      notes.push(`Cannot read ${what}: ${messageOf(error)}`)
      return fallback
    }
  }
  const layout = await readLayout(nodeName, kernel, node)
  const hasIpvs = kernel.hasInterface(KUBE_IPVS_DEVICE)
  const virtualServers = hasIpvs ? await read('virtual servers', [], () => kernel.ipvs.list()) : []
  const isPersistent = virtualServers.some(({ persistenceSeconds }) => persistenceSeconds > 0)
  const persisted = isPersistent ? await read('clients of virtual servers', [], () => kernel.ipvs.listPersisted()) : []
  const addresses = hasIpvs ? await read('Service addresses', undefined, () => kernel.dummyInterface.read()) : undefined
  const links = await read('interfaces', [], readLinks)
  return {
    layout,
    virtualServers,
    persisted,
    serviceAddresses: [...(addresses ?? [])],
    sets: [...rules.values()].some(({ usesSets }) => usesSets)
      ? await read('sets', new Map<string, KernelSet>(), () => readSets(kernel))
      : new Map(),
    secondsInList: recentReader(),
    canTurnBack: name => canTurnBack(links, name),
    notes,
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

/** Reads a list of `-m recent` when a packet meets a rule with it, and once: there is one for each endpoint of a Service with affinity. */
function recentReader(): KernelFacts['secondsInList'] {
  const lists = new Map<string, RecentList>()
  let ticks: KernelTicks | undefined
  return (list, address) => {
    const known = lists.get(list) ?? readRecentList(list)
    lists.set(list, known)
    const addedAt = known.get(address)
    if (addedAt === undefined) return 'never'
    ticks ??= readKernelTicks()
    return ticks === undefined ? undefined : (ticks.now - addedAt) / ticks.perSecond
  }
}

async function readSets({ ipSets }: KernelTools): Promise<Map<string, KernelSet>> {
  const observed = await ipSets.read()
  return new Map(
    [...observed].map(([name, { header, entries }]) => [name, { type: header.split(' ', 1)[0] ?? '', entries }]),
  )
}
