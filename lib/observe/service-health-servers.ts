import { type IpAddress, hostPort, unspecifiedAddress } from '../model/address.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceHealth } from '../model/service-health.js'
import { ClientLimit } from './client-limit.js'
import { type HttpAnswer, HttpPort } from './http-port.js'

export interface ServiceHealthServersOptions {
  /** The addresses that node ports have now; an unspecified one means all of the machine. */
  readonly addresses: () => readonly IpAddress[]
  /** Whether the rules and listeners of this node are up to date. */
  readonly isHealthy: () => boolean
  /** Is told once for each new reason why a port is not open. */
  readonly onBindFailure: (
    service: { readonly namespace: string; readonly name: string },
    port: number,
    failure: ProxyFailure,
  ) => void
  readonly log: Log
}

/** Of all ports together: load balancers ask shortly, and again if they are turned away. */
const MAX_CLIENTS = 128

/** The ports of one Service: one for each address, all of them bound or none kept. */
interface OpenPorts {
  readonly port: number
  readonly hosts: readonly IpAddress[]
  readonly servers: readonly HttpPort[]
}

/**
 * The ports where a load balancer learns whether this node has endpoints of a Service of its own, and how many, so that
 * it sends traffic of external policy Local only where that is served (kube-proxy 1.36).
 *
 * It is given the whole wanted state and works towards it; what failed is tried again by the next `sync`. Counts are
 * answered anew from the moment of `sync`, ports come and go a little later.
 */
export class ServiceHealthServers {
  readonly #options: ServiceHealthServersOptions
  #wanted: ReadonlyMap<string, ServiceHealth> = new Map()
  readonly #open = new Map<string, OpenPorts>()
  /** For each Service whose port is not open: what was told about it. */
  readonly #told = new Map<string, string>()
  readonly #clients = new ClientLimit(MAX_CLIENTS)
  #generation = 0
  #work: Promise<void> | undefined
  #closed = false

  constructor(options: ServiceHealthServersOptions) {
    this.#options = options
  }

  /** Makes these the Services that have a port, and these their counts. */
  sync(wanted: readonly ServiceHealth[]): void {
    if (this.#closed) return
    this.#generation++
    const named = wanted.map(service => [`${service.namespace}/${service.name}`, service] as const)
    this.#wanted = new Map(named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    this.#work ??= this.#reconcile()
  }

  /** File descriptors that the ports and their clients may come to. */
  get descriptors(): number {
    if (this.#wanted.size === 0) return 0
    return this.#wanted.size * hostsOf(this.#options.addresses()).length + this.#clients.max
  }

  /** Resolves when the ports are as the latest `sync` wants them, as far as they can be. */
  async settled(): Promise<void> {
    await this.#work
  }

  /** Closes all ports for good, and ends their clients. */
  async close(): Promise<void> {
    this.sync([])
    this.#closed = true
    await this.#work
  }

  /** One pass at a time, so that a port which one Service gives up is free when another one takes it. */
  async #reconcile(): Promise<void> {
    for (let done = -1; done !== this.#generation;) {
      done = this.#generation
      try {
        await this.#pass()
      } catch (error) {
        this.#options.log.error('Cannot bring the health check ports up to date; tried again by the next sync', error)
      }
    }
    this.#work = undefined
  }

  async #pass(): Promise<void> {
    const wanted = this.#wanted
    const hosts = wanted.size === 0 ? [] : hostsOf(this.#options.addresses())
    const owners = ownersOf(wanted)
    for (const key of this.#told.keys()) if (!wanted.has(key)) this.#told.delete(key)
    const unwanted = [...this.#open].filter(([key, { port, hosts: bound }]) => {
      // The owner of a port is a Service that wants this very port.
      return owners.get(port) !== key || bound.join() !== hosts.join()
    })
    await Promise.all(unwanted.map(([key]) => this.#shut(key)))
    const missing = [...wanted].filter(([key]) => !this.#open.has(key))
    await Promise.all(missing.map(([key, service]) => this.#serve(key, service, hosts, owners.get(service.port)!)))
  }

  async #shut(key: string): Promise<void> {
    const { port, servers } = this.#open.get(key)!
    this.#open.delete(key)
    await closeAll(servers)
    this.#options.log.info(1, 'Closed the health check port of a Service', { service: key, port })
  }

  async #serve(key: string, service: ServiceHealth, hosts: readonly IpAddress[], owner: string): Promise<void> {
    const { port } = service
    if (owner !== key) return this.#failed(key, service, takenBy(owner, key, port))
    const servers = hosts.map(host => this.#portOf(key, hostPort(host, port)))
    const failures = await Promise.all(servers.map(server => server.open()))
    const failure = failures.find(failure => failure !== undefined)
    if (failure !== undefined) {
      await closeAll(servers)
      return this.#failed(key, service, failure)
    }
    this.#told.delete(key)
    this.#open.set(key, { port, hosts, servers })
    this.#options.log.info(1, 'Opened the health check port of a Service', { service: key, port })
  }

  #portOf(key: string, address: string): HttpPort {
    const route = (): HttpAnswer => answerOf(this.#wanted.get(key), this.#options.isHealthy())
    const setting = `healthCheckNodePort of Service ${key}, or nodePortAddresses`
    return new HttpPort({
      name: `health of Service ${key}`,
      setting,
      address,
      routeOf: () => route,
      clients: this.#clients,
      log: this.#options.log,
    })
  }

  #failed(key: string, service: ServiceHealth, failure: ProxyFailure): void {
    const { namespace, name, port } = service
    const reason = `${port} ${systemCode(failure.cause) ?? failure.message}`
    if (this.#told.get(key) === reason) return
    this.#told.set(key, reason)
    this.#options.log.error('Cannot open the health check port of a Service; tried again by the next sync', failure, {
      service: key,
      port,
    })
    this.#options.onBindFailure({ namespace, name }, port, failure)
  }
}

/** `0.0.0.0` and `::` each mean everything that there is, of both families, so nothing is left to bind besides. */
function hostsOf(addresses: readonly IpAddress[]): readonly IpAddress[] {
  const all = (['IPv4', 'IPv6'] as const).map(unspecifiedAddress).find(address => addresses.includes(address))
  return all === undefined ? [...new Set(addresses)].sort() : [all]
}

/** Which Service has each port: of several that want it the first by name, so that a restart changes nothing. */
function ownersOf(wanted: ReadonlyMap<string, ServiceHealth>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  for (const [key, { port }] of wanted) if (!owners.has(port)) owners.set(port, key)
  return owners
}

function takenBy(owner: string, key: string, port: number): ProxyFailure {
  return new ProxyFailure(
    'HTTP_BIND_FAILED',
    `cannot serve health of Service ${key} on port ${port}: Service ${owner} has it, wanted a healthCheckNodePort of its own`,
    { hint: 'create one of the two Services anew, without healthCheckNodePort, and the API server chooses a free one' },
  )
}

/** kube-proxy's text to the byte: tabs, and no newline at the end. */
function answerOf(service: ServiceHealth | undefined, serviceProxyHealthy: boolean): HttpAnswer {
  const { namespace, name, localEndpoints } = service ?? { namespace: '', name: '', localEndpoints: 0 }
  return {
    status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
    contentType: 'application/json',
    headers: { 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t'),
  }
}

async function closeAll(servers: readonly HttpPort[]): Promise<void> {
  await Promise.all(servers.map(server => server.close()))
}
