import { FrontendTable } from '../../frontends/frontend-table.js'
import { type IpFamily } from '../../model/address.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type Forecast, type ForecastInput, NOTHING_BUT_RULES, usualRuleSettings } from '../forecast.js'
import { hostEndpoints } from './host-endpoints.js'
import { IptablesPlanner } from './plan.js'

/** What iptables mode would write. */
export function forecastIptables({ config, snapshot, node, families }: ForecastInput): Forecast {
  const table = new FrontendTable(family => node.getLocalAddresses(family))
  const resolved = table.resolve(snapshot)
  const settings = usualRuleSettings(config)
  const planFamily = (family: IpFamily): RuleSet => {
    const ports = [...resolved.snapshot.ports.values()].filter(({ servicePort }) => servicePort.family === family)
    return new IptablesPlanner(family, settings).plan({
      ports,
      frontends: resolved.frontends,
      localTraffic: node.getLocalTraffic(family),
      nodeAddress: node.getAddress(family),
      hostEndpointIPs: hostEndpoints(ports, node.getAddresses(family)),
      localhostNodePorts: family === 'IPv4' && node.servesNodePortsOnLoopback(family),
    })
  }
  return {
    ...NOTHING_BUT_RULES,
    resolved,
    findLeftOut: (servicePort, endpoint) => table.findLeftOut(servicePort, endpoint),
    rules: new Map(families.map(family => [family, planFamily(family)])),
  }
}
