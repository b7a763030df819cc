import { type ServedPort } from '../../../lib/model/snapshot.js'
import { type FlowEnd } from '../../../lib/system/conntrack.js'

/** The target of a flow in modes without listeners: the first endpoint, or the first local endpoint for a `local` listener. */
export function kernelFlowTarget({ usable }: ServedPort, listener: string): FlowEnd | undefined {
  const [end] = listener.endsWith('local') ? usable.local : usable.cluster
  return end === undefined ? undefined : { address: end.ip, port: end.port }
}
