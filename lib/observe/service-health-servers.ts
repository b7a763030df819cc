import { type IpAddress, hostPort, unspecifiedAddress } from '../model/address.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServiceHealth } from '../model/service-health.js'
import { ClientLimit } from './client-limit.js'
import { type HttpResponse, HttpPort } from './http-port.js'

/** The parts and callbacks of `ServiceHealthServers`. */
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
  #desired: ReadonlyMap<string, ServiceHealth> = new Map()
  readonly #open = new Map<string, OpenPorts>()
  /** For each Service whose port is not open: what was told about it. */
  readonly #reported = new Map<string, string>()
  readonly #clients = new ClientLimit(MAX_CLIENTS)
  #generation = 0
  #reconciling: Promise<void> | undefined
  #closed = false

  constructor(options: ServiceHealthServersOptions) {
    this.#options = options
  }

  /** Makes these the Services that have a port, and these their counts. */
  sync(desired: readonly ServiceHealth[]): void {
    if (this.#closed) return
    this.#generation++
    const named = desired.map(service => [`${service.namespace}/${service.name}`, service] as const)
    this.#desired = new Map(named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    this.#reconciling ??= this.#reconcile()
  }

  /** File descriptors that the ports and their clients may come to. */
  get maxDescriptors(): number {
    if (this.#desired.size === 0) return 0
    return this.#desired.size * resolveHosts(this.#options.addresses()).length + this.#clients.max
  }

  /** Resolves when the ports are as the latest `sync` wants them, as far as they can be. */
  async waitUntilSettled(): Promise<void> {
    await this.#reconciling
  }

  /** Closes all ports for good, and ends their clients. */
  async close(): Promise<void> {
    this.sync([])
    this.#closed = true
    await this.#reconciling
  }

  /** One pass at a time, so that a port which one Service gives up is free when another one takes it. */
  async #reconcile(): Promise<void> {
    for (let done = -1; done !== this.#generation;) {
      done = this.#generation
      try {
        await this.#reconcileOnce()
      } catch (error) {
        this.#options.log.error('Cannot bring the health check ports up to date; tried again by the next sync', error)
      }
    }
    this.#reconciling = undefined
  }

  async #reconcileOnce(): Promise<void> {
    const desired = this.#desired
    const hosts = desired.size === 0 ? [] : resolveHosts(this.#options.addresses())
    const owners = resolvePortOwners(desired)
    for (const key of this.#reported.keys()) if (!desired.has(key)) this.#reported.delete(key)
    const obsolete = [...this.#open].filter(([key, { port, hosts: bound }]) => {
      // The owner of a port is a Service that wants this very port.
      return owners.get(port) !== key || bound.join() !== hosts.join()
    })
    await Promise.all(obsolete.map(([key]) => this.#closePorts(key)))
    const missing = [...desired].filter(([key]) => !this.#open.has(key))
    await Promise.all(missing.map(([key, service]) => this.#openPorts(key, service, hosts, owners.get(service.port)!)))
  }

  async #closePorts(key: string): Promise<void> {
    const { port, servers } = this.#open.get(key)!
    this.#open.delete(key)
    await closeAll(servers)
    this.#options.log.info(1, 'Closed the health check port of a Service', { service: key, port })
  }

  async #openPorts(key: string, service: ServiceHealth, hosts: readonly IpAddress[], owner: string): Promise<void> {
    const { port } = service
    if (owner !== key) return this.#reportFailure(key, service, portTakenFailure(owner, key, port))
    const servers = hosts.map(host => this.#createPort(key, hostPort(host, port)))
    const failures = await Promise.all(servers.map(server => server.open()))
    const failure = failures.find(failure => failure !== undefined)
    if (failure !== undefined) {
      await closeAll(servers)
      return this.#reportFailure(key, service, failure)
    }
    this.#reported.delete(key)
    this.#open.set(key, { port, hosts, servers })
    this.#options.log.info(1, 'Opened the health check port of a Service', { service: key, port })
  }

  #createPort(key: string, address: string): HttpPort {
    const route = (): HttpResponse => buildResponse(this.#desired.get(key), this.#options.isHealthy())
    const setting = `healthCheckNodePort of Service ${key}, or nodePortAddresses`
    return new HttpPort({
      name: `health of Service ${key}`,
      setting,
      address,
      findRoute: () => route,
      clientLimit: this.#clients,
      log: this.#options.log,
    })
  }

  #reportFailure(key: string, service: ServiceHealth, failure: ProxyFailure): void {
    const { namespace, name, port } = service
    const reason = `${port} ${systemCode(failure.cause) ?? failure.message}`
    if (this.#reported.get(key) === reason) return
    this.#reported.set(key, reason)
    this.#options.log.error('Cannot open the health check port of a Service; tried again by the next sync', failure, {
      service: key,
      port,
    })
    this.#options.onBindFailure({ namespace, name }, port, failure)
  }
}

/** `0.0.0.0` and `::` each mean everything that there is, of both families, so nothing is left to bind besides. */
function resolveHosts(addresses: readonly IpAddress[]): readonly IpAddress[] {
  const all = (['IPv4', 'IPv6'] as const).map(unspecifiedAddress).find(address => addresses.includes(address))
  return all === undefined ? [...new Set(addresses)].sort() : [all]
}

/** Which Service has each port: of several that want it the first by name, so that a restart changes nothing. */
function resolvePortOwners(desired: ReadonlyMap<string, ServiceHealth>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  for (const [key, { port }] of desired) if (!owners.has(port)) owners.set(port, key)
  return owners
}

function portTakenFailure(owner: string, key: string, port: number): ProxyFailure {
  return new ProxyFailure(
    'HTTP_BIND_FAILED',
    `cannot serve health of Service ${key} on port ${port}: Service ${owner} has it, wanted a healthCheckNodePort of its own`,
    { hint: 'create one of the two Services anew, without healthCheckNodePort, and the API server chooses a free one' },
  )
}

/** kube-proxy's text to the byte: tabs, and no newline at the end. */
function buildResponse(service: ServiceHealth | undefined, serviceProxyHealthy: boolean): HttpResponse {
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
