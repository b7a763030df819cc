import { type ListenerSpec } from '../../dataplane/listener-plan.js'
import { FrontendTable, type ResolvedFrontends } from '../../frontends/frontend-table.js'
import { NodeEndpointFilter } from '../../frontends/node-endpoint-filter.js'
import { type IpAddress, type IpFamily, familyOf, unspecifiedAddress } from '../../model/address.js'
import { type PortRange } from '../../model/port-range.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type Forecast, type ForecastInput, NOTHING_BUT_RULES } from '../forecast.js'
import { FrontendRules } from './frontend-rules.js'
import { isSupported, listenerSpecs, listenersWithoutPort } from './plan.js'
import { PortAllocator } from './port-allocator.js'
import { type ProgrammedFrontend, programmableFrontends } from './programmable-frontends.js'
import { ProxyPorts } from './proxy-ports.js'
import { httpPortsOf } from './reserved-ports.js'

/** Stand for the ports that the kernel would choose. */
const INVENTED_PORTS: PortRange = { first: 40_000, last: 60_999 }
const NO_LISTENERS: ReadonlyMap<string, ListenerSpec> = new Map()

/** What userspace mode would listen on and write, if no other program has one of its ports. */
export function forecastUserspace(input: ForecastInput): Forecast {
  const { config, snapshot, node, families } = input
  const local = (family: IpFamily) => node.getLocalAddresses(family)
  const filter = new NodeEndpointFilter({ local, ofPods: family => node.getPodAddresses(family) })
  const table = new FrontendTable(local, config.allowNodeAddressEndpoints ? undefined : filter)
  const resolved = table.resolve(snapshot, isSupported)
  const proxyPorts = allocatePorts(input, resolved)
  const specs = buildSpecs(input, resolved, proxyPorts)
  const servesNodePorts = (address: IpAddress): boolean =>
    node.getLocalTraffic(familyOf(address)).nodePortAddresses?.includes(address) ?? true
  const open = new Map([...specs].map(([key, { port }]) => [key, port]))
  const programmed = programmableFrontends(
    resolved.frontends,
    { specs, open, keys: proxyPorts.keys, servesNodePorts },
    new Map(),
  )
  return {
    ...NOTHING_BUT_RULES,
    resolved,
    findLeftOut: (servicePort, endpoint) => table.findLeftOut(servicePort, endpoint),
    rules: new Map(families.map(family => [family, buildRules(family, [...programmed.values()], input)])),
    listeners: [...specs.values()],
  }
}

function allocatePorts(
  { config, node, families }: ForecastInput,
  { snapshot, frontends }: ResolvedFrontends,
): ProxyPorts {
  const allocator = new PortAllocator(config.portRange ?? INVENTED_PORTS, () => 0)
  const proxyPorts = new ProxyPorts(allocator, { reportMove: () => undefined })
  proxyPorts.update({
    snapshot,
    nodePorts: nodePortsOf(frontends),
    families,
    nodePortAddresses: family => node.getLocalTraffic(family).nodePortAddresses,
    httpPorts: httpPortsOf([config.healthzBindAddress, config.metricsBindAddress]),
  })
  return proxyPorts
}

function nodePortsOf(frontends: ResolvedFrontends['frontends']) {
  return frontends.filter(({ address }) => address === undefined).map(({ servicePort }) => servicePort)
}

function buildSpecs(
  { node, families }: ForecastInput,
  { snapshot, frontends }: ResolvedFrontends,
  proxyPorts: ProxyPorts,
): Map<string, ListenerSpec> {
  const listenAddresses = new Map(
    families.map(family => [family, node.getAddress(family) ?? unspecifiedAddress(family)]),
  )
  const { keys } = proxyPorts
  return listenerSpecs(
    {
      snapshot,
      listenAddresses,
      proxyPorts: proxyPorts.allocate(listenersWithoutPort(snapshot, NO_LISTENERS, keys)),
      nodePortOwners: new Set(nodePortsOf(frontends).map(({ key }) => key)),
      nodePortPlaces: new Map(
        [...listenAddresses].map(([family, nodeAddress]) => [
          family,
          {
            nodeAddress,
            served: node.getLocalTraffic(family).nodePortAddresses,
            nodeAddresses: () => node.getAddresses(family),
            isOnLoopback: node.servesNodePortsOnLoopback(family),
            splitKeys: proxyPorts.splitNodePorts,
            isProxyPort: () => false,
          },
        ]),
      ),
      keys,
    },
    NO_LISTENERS,
  )
}

function buildRules(family: IpFamily, programmed: readonly ProgrammedFrontend[], { node }: ForecastInput): RuleSet {
  const own = programmed.filter(({ resolved }) => resolved.frontend.servicePort.family === family)
  return new FrontendRules(family).build({
    frontends: own.map(({ resolved }) => resolved),
    localTraffic: node.getLocalTraffic(family),
    proxyPorts: own.flatMap(({ proxyPorts }) => proxyPorts),
  })
}
