import { ApiRefusal } from './api-failure.js'
import { type KubeClient } from './kube-client.js'
import { field } from './watch-event.js'
import { type EndpointsApi } from './watched-resource.js'

/** Best first. */
const PREFERENCE: readonly EndpointsApi[] = ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1', 'v1']

/**
 * Asks the server where it keeps endpoints. Neither version of discovery.k8s.io means Kubernetes before 1.17, or one
 * where they were switched off.
 *
 * The list of groups is asked for only to see that an API server is there at all: a 404 before that may come from a load
 * balancer that has none behind it at the moment, and must not make us leave EndpointSlices for good. What stands in the
 * list is not to be trusted: it is incomplete while a server starts, and outdated after a version was switched off.
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
    await client.getJson('/apis', signal)
    for (const api of ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1'] as const) {
      if (await hasEndpointSlices(client, api, signal)) return api
    }
    return 'v1'
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 403) throw error
    const next = failing === undefined ? 0 : PREFERENCE.indexOf(failing) + 1
    return PREFERENCE[next] ?? PREFERENCE[0]!
  }
}

async function hasEndpointSlices(client: KubeClient, api: EndpointsApi, signal: AbortSignal): Promise<boolean> {
  try {
    const resources = field(await client.getJson(`/apis/${api}`, signal), 'resources')
    return Array.isArray(resources) && resources.some(resource => field(resource, 'name') === 'endpointslices')
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404) return false
    throw error
  }
}
