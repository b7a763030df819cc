import { type Frontend } from '../../../lib/frontends/frontend.js'
import { type IpFamily } from '../../../lib/model/address.js'
import { type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { type Rule, type RuleSet } from '../../../lib/netfilter/rule-set.js'

/** The only chain of the mode. */
export const MEMORY_CHAIN = 'KUBE-MEMORY'

/** The rules of the simplest possible mode: one for each address of a Service, which translates to the first endpoint. */
export function memoryPlan(family: IpFamily, { ports }: ServiceSnapshot, frontends: readonly Frontend[]): RuleSet {
  const rules = frontends.flatMap(({ servicePort, address, port }): Rule[] => {
    const [endpoint] = ports.get(servicePort.key)?.usable.cluster ?? []
    if (servicePort.family !== family || address === undefined || endpoint === undefined) return []
    const { protocol } = servicePort
    const target = { kind: 'DNAT', address: endpoint.ip, port: endpoint.port } as const
    return [{ destination: address, protocol, destinationPort: port, target }]
  })
  const link = { target: { kind: 'jump', chain: MEMORY_CHAIN } } as const
  const chains = new Map([[MEMORY_CHAIN, rules]])
  const links = (['PREROUTING', 'OUTPUT'] as const).map(
    chain => ({ chain, position: 'first', staysAbove: 'verdicts', rule: link }) as const,
  )
  return { family, tables: new Map([['nat', { chains, links }]]) }
}
