import { makeApiEndpoint, makeApiService, makeApiSlice } from '../api/api-objects.js'
import { SteadyTraffic } from '../faults/steady-traffic.js'
import { NetworkClient } from '../nodes/node-network.js'
import { PersistentConnection } from '../pods/persistent-connection.js'
import { type ScrapedProxy } from '../processes/scraped-proxy.js'

export const NAMESPACE = 'shop'
const WEB = { ip: '10.97.0.10', port: 80 }
const DNS = { ip: '10.97.0.53', port: 53 }
/** One of its two endpoints refuses connections. */
const HALF = { ip: '10.97.0.11', port: 80 }
/** Its only endpoint refuses connections. */
const BROKEN = { ip: '10.97.0.12', port: 80 }
/** It may have one connection. */
const LIMITED = { ip: '10.97.0.13', port: 80 }

/** Requests until every endpoint had some. */
const REQUESTS = 6
/** What the steady traffic sends: little, so that the machine is not the bottleneck. */
const RATE = 5
const OPEN_CONNECTIONS = 3

/** Services in the namespace `shop`, each with something that monitoring should show. */
export class MonitoredServices {
  readonly #scraped: ScrapedProxy
  readonly #pod: Awaited<ReturnType<ScrapedProxy['network']['addPod']>>
  readonly #client: NetworkClient

  private constructor(scraped: ScrapedProxy, pod: Awaited<ReturnType<ScrapedProxy['network']['addPod']>>) {
    this.#scraped = scraped
    this.#pod = pod
    this.#client = new NetworkClient(scraped.network, pod.namespace)
  }

  /** Adds them; resolves when they are served. */
  static async create(scraped: ScrapedProxy): Promise<MonitoredServices> {
    const { network } = scraped
    const server = await network.addServer('a')
    // A Pod without a server refuses connections.
    const refusing = await network.addPod()
    await scraped.put([
      ...serviceAndSlice('web', WEB.ip, [server.ip]),
      ...serviceAndSlice('half', HALF.ip, [server.ip, refusing.ip]),
      ...serviceAndSlice('broken', BROKEN.ip, [refusing.ip]),
      ...serviceAndSlice('limited', LIMITED.ip, [server.ip], {
        annotations: { 'kube-proxy-node/max-connections': '1' },
      }),
      ...serviceAndSlice('dns', DNS.ip, [server.ip], { protocol: 'UDP', port: DNS.port, targetPort: 5353 }),
    ])
    return new MonitoredServices(scraped, await network.addPod())
  }

  /** New and open connections to `web`, and UDP requests to `dns`. */
  startTraffic(): Promise<SteadyTraffic> {
    return SteadyTraffic.start(this.#scraped.network, this.#pod.namespace, {
      newConnections: { ...WEB, rate: RATE },
      openConnections: { ...WEB, count: OPEN_CONNECTIONS },
      udpRequests: { ...DNS, rate: RATE },
    })
  }

  /** So many UDP clients of `dns`, each with a port of its own. */
  openFlows(count: number): void {
    const program = `for (let n = 0; n < ${count}; n++) require('dgram').createSocket('udp4').send('x', ${DNS.port}, '${DNS.ip}')`
    this.#scraped.network.start(this.#pod.namespace, process.execPath, ['-e', program])
  }

  /** Clients of `broken`, which are refused, and of `half`, for which the proxy ejects an endpoint. */
  async useRefusingEndpoints(): Promise<void> {
    for (let n = 0; n < REQUESTS; n++) {
      await this.#client.tcp(BROKEN.ip, BROKEN.port)
      await this.#client.tcp(HALF.ip, HALF.port)
    }
  }

  /** Opens a connection to `limited`, which stays open; further clients are refused. */
  async reachLimit(): Promise<void> {
    const { network } = this.#scraped
    const connection = new PersistentConnection(network, this.#pod.namespace, LIMITED.ip, LIMITED.port)
    await connection.send('echo')
    for (let n = 0; n < REQUESTS; n++) await this.#client.tcp(LIMITED.ip, LIMITED.port)
  }
}

interface ServiceOptions {
  readonly annotations?: Record<string, unknown>
  readonly protocol?: 'TCP' | 'UDP'
  readonly port?: number
  readonly targetPort?: number
}

function serviceAndSlice(
  name: string,
  clusterIP: string,
  endpoints: readonly string[],
  { annotations = {}, protocol = 'TCP', port = 80, targetPort = 8080 }: ServiceOptions = {},
): readonly (readonly [string, object])[] {
  const ports = [{ name: 'main', protocol, port }]
  return [
    ['services', makeApiService({ namespace: NAMESPACE, name, clusterIP, annotations, ports })],
    [
      'endpointslices',
      makeApiSlice({
        namespace: NAMESPACE,
        name: `${name}-1`,
        service: name,
        ports: [{ name: 'main', protocol, port: targetPort }],
        endpoints: endpoints.map(ip => makeApiEndpoint(ip)),
      }),
    ],
  ]
}
