import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type Conntrack, type FlowEnd } from '../../system/conntrack.js'
import { type LedPortal } from './led-portal.js'
import { type FlowDestination, type LedDestination, staleFlows } from '../stale-flows.js'

/**
 * Has the kernel forget UDP flows that lead where the rules no longer lead. Rules are asked only for the first packet of a
 * flow; a client that keeps its port would go on sending to a listener that is gone, or, if it began before its Service was
 * there, to nobody, for as long as it does not pause.
 *
 * A failure is no reason to call the rules unwritten: it is told, and the flows end by themselves in time.
 */
export async function forgetStaleFlows(
  conntrack: Conntrack,
  family: IpFamily,
  portals: readonly LedPortal[],
  before: readonly LedPortal[],
  nodeAddresses: () => readonly IpAddress[],
  log: Log,
): Promise<void> {
  const led = portals.filter(isUdp).map(ledDestination)
  const gone = before.filter(isUdp).map(destinationOf)
  if (led.length + gone.length === 0) return
  try {
    const entries = await conntrack.listUdp(family)
    const stale = staleFlows(entries, { portals: led, gone, nodeAddresses: new Set(nodeAddresses()) })
    if (stale.length === 0) return
    await conntrack.delete(stale)
    log.info(2, 'Forgot UDP flows that led to nothing of ours', { family, flows: stale.length })
  } catch (error) {
    log.error('Cannot look for stale UDP flows', error, { family })
  }
}

function isUdp({ portal }: LedPortal): boolean {
  return portal.servicePort.protocol === 'UDP'
}

function destinationOf({ portal: { address, port } }: LedPortal): FlowDestination {
  return { address, port }
}

function ledDestination(led: LedPortal): LedDestination {
  const listeners = [led.fromNode, led.fromPods, led.fromElsewhere].filter((end): end is FlowEnd => end !== 'drop')
  return { ...destinationOf(led), listeners }
}
