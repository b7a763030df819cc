import { ProxyFailure, messageOf } from '../model/failure.js'
import { type ListenerSpec } from './listener-plan.js'

/** The failure of a listener that could not be opened, PROXY_PORT_UNAVAILABLE, with the system's error as cause. */
export function portUnavailable(spec: ListenerSpec, cause: unknown): ProxyFailure {
  const port = spec.port === 0 ? 'chosen by the kernel' : spec.port
  return new ProxyFailure(
    'PROXY_PORT_UNAVAILABLE',
    `Cannot listen on ${spec.address}, ${spec.protocol} port ${port}, for ${spec.key}: ${messageOf(cause)}`,
    { cause, hint: 'Free the port, or give other ones with --proxy-port-range; it is tried again by itself' },
  )
}
