import { cidrContains } from '../model/cidr.js'
import { type EndKind, type HappeningFilter, type InspectedHappening } from './inspect-request.js'

/** What a filter looks at. */
export type FilteredHappening = Pick<InspectedHappening, 'listener' | 'what' | 'client' | 'endpoint' | 'next' | 'end'>

const ENDS_IN_ORDER: ReadonlySet<unknown> = new Set<EndKind>(['closed', 'flow-ended'])

/** Whether something went wrong for a client or an endpoint. */
export function isFailure({ what, end }: Pick<FilteredHappening, 'what'> & { readonly end?: EndKind | null }): boolean {
  return what === 'ended' ? !ENDS_IN_ORDER.has(end) : what !== 'opened'
}

/** Whether a filter lets a happening pass. */
export function isWantedHappening(filter: HappeningFilter, happening: FilteredHappening): boolean {
  const { namespace, service, client, pod, onlyFailures } = filter
  const { listener, endpoint, next } = happening
  return (
    (namespace ?? listener.namespace) === listener.namespace &&
    (service ?? listener.service) === listener.service &&
    (!onlyFailures || isFailure(happening)) &&
    (pod === undefined || isOfPod(endpoint, pod) || isOfPod(next, pod)) &&
    // An ejection has no client.
    (client === undefined || (happening.client !== '' && cidrContains(client, happening.client)))
  )
}

/** @param endpoint `ip:port`, or `[ip]:port` */
function isOfPod(endpoint: string, ip: string): boolean {
  return endpoint.startsWith(ip.includes(':') ? `[${ip}]:` : `${ip}:`)
}
