import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { IP_FAMILIES, type IpAddress } from '../model/address.js'
import { type ObjectName } from '../model/objects.js'
import { readConntrackUsage } from '../system/conntrack-usage.js'
import { askDns } from './ask-dns.js'
import { askProxyFacts } from './ask-proxy-facts.js'
import { type DoctorFacts, type ObjectFacts } from './doctor-facts.js'
import { probeEndpoints, probeTargets } from './probe-endpoints.js'
import { readApiObjects } from './read-api-objects.js'
import { readFileObjects } from './read-file-objects.js'
import { readKernel } from './read-kernel.js'
import { type Seen, seen, unseen } from './seen.js'

/** Whom to ask about which Service. */
export interface DoctorQuestion {
  readonly name: ObjectName
  /** The client that has the trouble; undefined: none is named. */
  readonly client: IpAddress | undefined
  readonly socket: string
  /** Empty: none. */
  readonly kubeconfig: string
  /** Empty: none. */
  readonly manifests: readonly string[]
  /** Undefined: that of resolv.conf. */
  readonly domain: string | undefined
  readonly config: KubeProxyConfig
  readonly version: string
  /** How long an endpoint or the DNS may take to answer, in milliseconds. */
  readonly patienceMs: number
}

/** Why there are no objects to look at. */
export const NO_OBJECTS =
  'no objects are given: --kubeconfig FILE or --manifests FILE shows Pods and the Service itself'

/**
 * Looks at everything, side by side, each within bounds. It changes nothing, and connects to no address but the endpoints of the Service,
 * the cluster DNS and the API server of the kubeconfig.
 * @throws ProxyFailure if the kubeconfig or a manifest cannot be used
 */
export async function gatherFacts(question: DoctorQuestion): Promise<DoctorFacts> {
  const { name, client, config, patienceMs } = question
  const [proxy, objects] = await Promise.all([
    askProxyFacts(question.socket, name, question.version),
    readObjects(question),
  ])
  // What the proxy serves counts, not what it should serve.
  const known = proxy.isSeen && proxy.value.missing === undefined ? proxy : objects
  const { ports, endpoints } = known.isSeen ? known.value : { ports: [], endpoints: [] }
  const targets = probeTargets(endpoints)
  const service = objects.isSeen ? objects.value.service : undefined
  const exists = ports.length > 0 || service !== undefined
  const families = IP_FAMILIES.filter(each => ports.some(({ family }) => family === each))
  const clusterDns = proxy.isSeen ? proxy.value.clusterDns : undefined
  const mode = proxy.isSeen ? proxy.value.overview.mode : undefined
  const usage = readConntrackUsage()
  const [kernel, probes, dns] = await Promise.all([
    readKernel({ config, mode, targets, ports, endpoints, sourceRanges: service?.sourceRanges, client }),
    probeEndpoints(targets, patienceMs),
    exists
      ? askDns({
          ...{ service: name, clusterDns, domain: question.domain, patienceMs },
          families: families.length > 0 ? families : IP_FAMILIES,
        })
      : unseen('there is no Service'),
  ])
  return {
    ...{ name, client, proxy, objects, wantsObjects: question.kubeconfig !== '' || question.manifests.length > 0 },
    ...{ ports, endpoints, kernel, probes, dns },
    conntrack: usage === undefined ? unseen('this kernel has no connection tracking') : seen(usage),
  }
}

async function readObjects({ kubeconfig, manifests, name, config }: DoctorQuestion): Promise<Seen<ObjectFacts>> {
  if (kubeconfig !== '') return readApiObjects(kubeconfig, name, config.nodeName)
  if (manifests.length > 0) return seen(await readFileObjects(manifests, name, config.nodeName))
  return unseen(NO_OBJECTS)
}
