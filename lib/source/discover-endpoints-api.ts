import { ApiRefusal } from './api-failure.js'
import { type KubeClient } from './kube-client.js'
import { field } from './watch-event.js'
import { type EndpointsApi } from './watched-resource.js'

/** The best API first. */
const PREFERENCE: readonly EndpointsApi[] = ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1', 'v1']

/**
 * Finds the best API for endpoints that the server has. A server without discovery.k8s.io is Kubernetes before 1.17, or has that
 * API turned off.
 *
 * The request for the list of groups only checks that an API server responds. Without it, a 404 from a load balancer without
 * API servers would make the proxy stop using EndpointSlices. The content of the list is not reliable: it is incomplete while
 * a server starts, and outdated after an API was turned off.
 *
 * @param failing the API that the server has just responded to with 404, if any. It matters only if the server forbids discovery
 *   (403): then the next API is tried.
 * @throws as the client does, if the server gives no usable response
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
