import { type IpFamily } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'
import { type ServicePort } from '../model/service-port.js'
import { type EndpointVerdict } from '../snapshot/endpoint-verdict.js'
import { type EndpointsExplanation } from '../snapshot/explain-endpoints.js'
import { type EndpointState } from './endpoint-state.js'

/** One entry of an EndpointSlice, and why each kind of traffic uses it or not. */
export interface EndpointView {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  readonly family: IpFamily
  /** `ip:port`; of a refused address, or one without such a port, only what stands in the slice. */
  readonly address: string
  readonly slice: string
  /** Whether any traffic uses it. */
  readonly isUsed: boolean
  /** For traffic that may go to any node. */
  readonly cluster: EndpointVerdict
  /** For traffic that must stay on this node. */
  readonly local: EndpointVerdict
  /** Connections and flows to it now; null: no socket of the proxy leads there. */
  readonly open: number | null
  /** Where it is ejected now. */
  readonly ejected: EndpointState['ejected']
}

/** The views of all endpoints of a service port. */
export function endpointViews(
  { namespace, name, portName, protocol, family }: ServicePort,
  { endpoints }: EndpointsExplanation,
  stateOf: (address: string) => EndpointState | undefined,
): EndpointView[] {
  return endpoints.map(({ address, slice, cluster, local }) => {
    const isUsed = cluster.isUsed || local.isUsed
    // A duplicate has the address of an entry that is used.
    const { open = null, ejected = [] } = (isUsed ? stateOf(address) : undefined) ?? {}
    return {
      ...{ namespace, service: name, portName, protocol, family, address, slice, isUsed, cluster, local },
      ...{ open, ejected },
    }
  })
}
