import { type ServicePortKey } from '../model/service-port.js'
import { type ListenerSpec, isPortConflict } from './listener-plan.js'

/** How often a listener asks for another port. It needs more than a few only while many listeners have their socket closed. */
const MAX_PORT_ATTEMPTS = 32

/** A listener, and its port once it has one. */
interface PortHolder {
  readonly spec: ListenerSpec
  readonly port: number | undefined
}

/**
 * Whether another listener owns the port. A listener without endpoints has its rule in place and its socket closed, so the
 * kernel, asked for any free port, may give that listener's port to another one.
 *
 * A loop without a list of its own: with thousands of listeners it runs thousands of times.
 */
export function isPortOwned(
  holders: ReadonlyMap<ServicePortKey, PortHolder>,
  spec: ListenerSpec,
  port: number,
): boolean {
  for (const [key, other] of holders)
    if (other.port === port && key !== spec.key && isPortConflict(other.spec, spec)) return true
  return false
}

/** Whether a listener keeps the port that the kernel gave it, or should ask for another one. @param attempt counts from 1 */
export function shouldKeepPort(
  holders: ReadonlyMap<ServicePortKey, PortHolder>,
  spec: ListenerSpec,
  port: number,
  attempt: number,
): boolean {
  return attempt === MAX_PORT_ATTEMPTS || !isPortOwned(holders, spec, port)
}
