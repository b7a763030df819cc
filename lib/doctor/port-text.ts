import { type EndpointView } from '../status/endpoint-view.js'
import { type ServiceView } from '../status/service-view.js'

/** `port "http" (80/TCP)`, `port 80/TCP`. */
export function portText({ portName, port, protocol }: Pick<ServiceView, 'portName' | 'port' | 'protocol'>): string {
  return portName === '' ? `port ${port}/${protocol}` : `port "${portName}" (${port}/${protocol})`
}

/** The endpoints of one service port. */
export function endpointsOfPort(
  { portName, protocol, family }: ServiceView,
  endpoints: readonly EndpointView[],
): readonly EndpointView[] {
  return endpoints.filter(each => each.portName === portName && each.protocol === protocol && each.family === family)
}

/** Whether a port has an endpoint that some traffic uses. */
export function hasEndpoints({ endpoints: { cluster, local } }: ServiceView): boolean {
  return cluster + local > 0
}
