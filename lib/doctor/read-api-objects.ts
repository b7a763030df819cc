import { ProxyFailure, messageOf } from '../model/failure.js'
import { type ObjectName } from '../model/objects.js'
import { fields } from '../snapshot/decoded.js'
import { ApiRefusal } from '../source/api-failure.js'
import { type KubeClient, createKubeClient } from '../source/kube-client.js'
import { realClock } from '../system/real-clock.js'
import { decodePod } from './decode-pod.js'
import { decodeSpec } from './decode-spec.js'
import { type ObjectFacts } from './doctor-facts.js'
import { type Seen, seen, unseen } from './seen.js'
import { viewObjects } from './view-objects.js'

/** How long the API server may take for one answer, and for all of them, in milliseconds. */
const RESPONSE_MS = 3000
const ALL_MS = 10_000
/** The most objects of one list. */
const MAX_PODS = 500
const MAX_OTHER_PODS = 50
const SLICE_APIS = ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1']

/**
 * Reads the Service, its slices and its Pods with the rights of the operator's kubeconfig. The proxy itself never reads Pods.
 * @throws ProxyFailure KUBECONFIG_INVALID if the kubeconfig can never work
 */
export async function readApiObjects(
  kubeconfig: string,
  name: ObjectName,
  nodeName: string,
): Promise<Seen<ObjectFacts>> {
  const limits = { responseTimeoutMs: RESPONSE_MS, idleTimeoutMs: RESPONSE_MS }
  const client = await createKubeClient({ kubeconfig, clock: realClock, ...limits })
  try {
    return seen(await new ObjectReader(client, name, nodeName).read())
  } catch (error) {
    if (!(error instanceof ProxyFailure) || error.code === 'KUBECONFIG_INVALID') throw error
    return unseen(messageOf(error))
  }
}

class ObjectReader {
  readonly #client: KubeClient
  readonly #name: ObjectName
  readonly #nodeName: string
  readonly #signal = AbortSignal.timeout(ALL_MS)

  constructor(client: KubeClient, name: ObjectName, nodeName: string) {
    this.#client = client
    this.#name = name
    this.#nodeName = nodeName
  }

  async read(): Promise<ObjectFacts> {
    const { namespace, name } = this.#name
    const origin = `The API server ${this.#client.server}`
    const raw = await this.#get(`/api/v1/namespaces/${namespace}/services/${name}`)
    if (raw === undefined)
      return {
        ...{
          origin,
          isFromFiles: false,
          service: undefined,
          ports: [],
          endpoints: [],
          pods: unseen('there is no Service'),
        },
        existing: await this.#existing(),
      }
    const service = decodeSpec(raw)
    const [slices, endpoints, pods] = await Promise.all([
      this.#slices(),
      this.#list(`/api/v1/namespaces/${namespace}/endpoints?fieldSelector=metadata.name%3D${name}`),
      service === undefined ? unseen('the Service cannot be read') : this.#pods(service.selector),
    ])
    const views = viewObjects({ services: [raw], slices, endpoints, nodes: [] }, this.#nodeName)
    return { origin, isFromFiles: false, service, existing: [], pods, ...views }
  }

  /** The Services of the namespace, or, where it has none, those that this user may see. */
  async #existing(): Promise<ObjectName[]> {
    const own = await this.#list(`/api/v1/namespaces/${this.#name.namespace}/services?limit=${MAX_PODS}`)
    const all = own.length > 0 ? own : await this.#list(`/api/v1/services?limit=${MAX_PODS}`).catch(() => [])
    return all.map(each => {
      const { namespace, name } = fields(fields(each)['metadata'])
      return { namespace: String(namespace ?? 'default'), name: String(name ?? '') }
    })
  }

  async #slices(): Promise<readonly unknown[]> {
    const { namespace, name } = this.#name
    for (const api of SLICE_APIS) {
      const query = `labelSelector=kubernetes.io%2Fservice-name%3D${name}`
      const found = await this.#get(`/apis/${api}/namespaces/${namespace}/endpointslices?${query}`)
      if (found !== undefined) return itemsOf(found)
    }
    return []
  }

  /** A user may see a Service and not its Pods. */
  async #pods(selector: ReadonlyMap<string, string>): Promise<ObjectFacts['pods']> {
    if (selector.size === 0) return unseen('the Service has no selector')
    const path = `/api/v1/namespaces/${this.#name.namespace}/pods`
    const query = [...selector].map(([label, value]) => `${label}=${value}`).join(',')
    try {
      const matching = await this.#list(`${path}?labelSelector=${encodeURIComponent(query)}&limit=${MAX_PODS}`)
      const others = matching.length > 0 ? [] : await this.#list(`${path}?limit=${MAX_OTHER_PODS}`)
      return seen({ matching: matching.map(decodePod), others: others.map(decodePod) })
    } catch (error) {
      if (!(error instanceof ProxyFailure)) throw error
      return unseen(messageOf(error))
    }
  }

  async #list(path: string): Promise<readonly unknown[]> {
    const found = await this.#get(path)
    return found === undefined ? [] : itemsOf(found)
  }

  /** Undefined: there is no such thing. */
  async #get(path: string): Promise<unknown> {
    try {
      return await this.#client.getJson(path, this.#signal)
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return undefined
      throw error
    }
  }
}

/** Items of a list have no kind of their own. */
function itemsOf(list: unknown): readonly unknown[] {
  const { items } = fields(list)
  return Array.isArray(items) ? items : []
}
