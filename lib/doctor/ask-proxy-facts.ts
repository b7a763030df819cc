import { ProxyFailure, messageOf } from '../model/failure.js'
import { type ObjectName } from '../model/objects.js'
import { type AffinityView } from '../status/affinity-view.js'
import { askProxy } from '../status/ask-proxy.js'
import { type ConnectionView } from '../status/connection-view.js'
import { type EndpointView } from '../status/endpoint-view.js'
import { type ListenerView } from '../status/listener-view.js'
import { type Overview } from '../status/overview.js'
import { type ServiceView } from '../status/service-view.js'
import { type StatusDocument } from '../status/status-document.js'
import { type ProxyFacts } from './doctor-facts.js'
import { type Seen, seen, unseen } from './seen.js'

/** The Service of the cluster DNS, in every usual cluster. */
const CLUSTER_DNS: ObjectName = { namespace: 'kube-system', name: 'kube-dns' }
const DNS_PORT = 53

/** Asks the running proxy for everything about one Service. A proxy that does not answer costs 10 s. */
export async function askProxyFacts(socket: string, name: ObjectName, version: string): Promise<Seen<ProxyFacts>> {
  const list = async <Item>(resource: string, { namespace, name: service } = name): Promise<readonly Item[]> =>
    (await askProxy<StatusDocument<Item>>(socket, resource, { namespace, service }, version)).items
  try {
    const [overview, ports, dns] = await Promise.all([
      askProxy<Overview>(socket, '', {}, version),
      orMissing(list<ServiceView>('services')),
      orMissing(list<ServiceView>('services', CLUSTER_DNS)),
    ])
    const clusterDns = isItems(dns) ? dns.find(({ port }) => port === DNS_PORT)?.clusterIP : undefined
    const missing = missingText(ports)
    if (!isItems(ports) || missing !== undefined) {
      const none = { ports: [], endpoints: [], listeners: [], affinity: [], connections: [] }
      return seen({ overview, missing, clusterDns, ...none })
    }
    const [endpoints, listeners, affinity, open, ended] = await Promise.all([
      list<EndpointView>('endpoints'),
      list<ListenerView>('listeners'),
      list<AffinityView>('affinity'),
      list<ConnectionView>('connections'),
      list<ConnectionView>('ended-connections'),
    ])
    const facts = { overview, ports, endpoints, listeners, affinity, connections: [...open, ...ended], clusterDns }
    return seen({ ...facts, missing: undefined })
  } catch (error) {
    if (!(error instanceof ProxyFailure)) throw error
    return unseen(error.hint === undefined ? messageOf(error) : `${messageOf(error)} (${error.hint})`)
  }
}

type Items<Item> = readonly Item[]

/** Why a proxy has no such Service, in words; undefined: it has. A proxy that serves no Service at all knows no wrong name. */
export function missingText(ports: Items<unknown> | { readonly missing: string }): string | undefined {
  if ('missing' in ports) return ports.missing
  return ports.length > 0 ? undefined : 'it serves no Service: there is none, or it has not read the objects yet'
}

function isItems<Item>(result: Items<Item> | { readonly missing: string }): result is Items<Item> {
  return Array.isArray(result)
}

/** The items, or the words of a proxy that has no such Service. */
async function orMissing<Item>(asked: Promise<Items<Item>>): Promise<Items<Item> | { readonly missing: string }> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'STATUS_INVALID') return { missing: error.message }
    throw error
  }
}
