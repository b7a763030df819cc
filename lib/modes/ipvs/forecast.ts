import { FrontendTable } from '../../frontends/frontend-table.js'
import { type Forecast, type ForecastInput, usualRuleSettings } from '../forecast.js'
import { IpvsPlanner } from './plan.js'

const NO_SERVERS: ReadonlySet<string> = new Set()

/** What ipvs mode would make, on a node without virtual servers of other programs. */
export function forecastIpvs({ config, snapshot, node, families }: ForecastInput): Forecast {
  const table = new FrontendTable(family => node.getLocalAddresses(family))
  const resolved = table.resolve(snapshot)
  const settings = { ...usualRuleSettings(config), scheduler: config.kernelModes.ipvs.scheduler }
  const plans = families.map(family =>
    new IpvsPlanner(family, settings).plan(resolved, {
      localTraffic: node.getLocalTraffic(family),
      nodeAddresses: node.getAddresses(family),
      foreignServers: NO_SERVERS,
    }),
  )
  const sets = plans.flatMap(({ sets }) => [...sets.values()])
  return {
    resolved,
    findLeftOut: (servicePort, endpoint) => table.findLeftOut(servicePort, endpoint),
    rules: new Map(plans.map(({ rules }) => [rules.family, rules])),
    listeners: [],
    virtualServers: plans.flatMap(({ servers }) => [...servers.values()]),
    serviceAddresses: plans.flatMap(({ addresses }) => [...addresses]),
    sets: new Map(sets.map(({ name, type, entries }) => [name, { type, entries }])),
  }
}
