import { ApiRefusal } from './api-failure.js'
import { type KubeClient } from './kube-client.js'
import { field } from './watch-event.js'
import { type EndpointsApi } from './watched-resource.js'

/** Best first. */
const PREFERENCE: readonly EndpointsApi[] = ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1', 'v1']

/**
 * Asks the server where it keeps endpoints. No discovery.k8s.io group means Kubernetes before 1.17, or one where it was
 * switched off.
 *
 * The list of all groups is asked for rather than this one group, because then 404 is never an answer: it may come from
 * a load balancer that has no API server behind it at the moment, and must not make us leave EndpointSlices for good.
 *
 * `failing` is the one that just turned out not to be there, if any; it counts only where the server does not let us
 * see what it has (403), so that the next one is tried. Rejects as the client does when the server cannot say.
 */
export async function discoverEndpointsApi(
  client: KubeClient,
  failing: EndpointsApi | undefined,
  signal: AbortSignal,
): Promise<EndpointsApi> {
  try {
    const groups = members(await client.getJson('/apis', signal), 'groups')
    const discovery = groups.find(group => field(group, 'name') === 'discovery.k8s.io')
    const versions = members(discovery, 'versions').map(version => field(version, 'groupVersion'))
    for (const api of PREFERENCE) {
      if (!versions.includes(api)) continue
      const resources = members(await client.getJson(`/apis/${api}`, signal), 'resources')
      if (resources.some(resource => field(resource, 'name') === 'endpointslices')) return api
    }
    return 'v1'
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 403) throw error
    const next = failing === undefined ? 0 : PREFERENCE.indexOf(failing) + 1
    return PREFERENCE[next] ?? PREFERENCE[0]!
  }
}

function members(answer: unknown, list: string): readonly unknown[] {
  const items = field(answer, list)
  return Array.isArray(items) ? items : []
}
