import { type ServedPort } from '../../../lib/model/snapshot.js'
import { type FlowEnd } from '../../../lib/system/conntrack.js'

/** Whom a flow is led to where there are no listeners: the first endpoint, in the place of a `local` one the first on this node. */
export function kernelFlowTarget({ usable }: ServedPort, listener: string): FlowEnd | undefined {
  const [end] = listener.endsWith('local') ? usable.local : usable.cluster
  return end === undefined ? undefined : { address: end.ip, port: end.port }
}
