import { type ListenerReport } from '../../dataplane/data-plane.js'
import { type ListenerPlan } from '../../dataplane/listener-plan.js'
import { type IpFamily, familyOf } from '../../model/address.js'

/**
 * Counts the listeners that serve node ports on loopback. Of the listeners that hold a node port, these are those with endpoints:
 * everywhere else rules lead to another listener.
 */
export function countLoopbackListeners(
  plan: ListenerPlan,
  { open, failed }: ListenerReport,
  family: IpFamily,
): { readonly open: number; readonly failed: number } {
  const serving = [...plan.values()].filter(
    ({ holdsNodePort, endpoints, address }) => holdsNodePort && endpoints.length > 0 && familyOf(address) === family,
  )
  return {
    open: serving.filter(({ key }) => open.has(key)).length,
    failed: serving.filter(({ key }) => failed.has(key)).length,
  }
}
