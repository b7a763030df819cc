import { IP_FAMILIES, type IpAddress, hostPort, unspecifiedAddress } from '../model/address.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type ServiceHealth } from '../snapshot/services-health.js'
import { ClientLimit } from './client-limit.js'
import { type HttpResponse, HttpPort } from './http-port.js'

/** The parts and callbacks of `ServiceHealthServers`. */
export interface ServiceHealthServersOptions {
  /** The current addresses of NodePorts; an unspecified address means all addresses of the machine. */
  readonly addresses: () => readonly IpAddress[]
  /** If another proxy has the ports: resolves when it has released them; absent: they can be free now. */
  readonly bindAfter?: Promise<unknown> | undefined
  /** Whether the rules and listeners of this node are up to date. */
  readonly isHealthy: () => boolean
  /** Called once for each new reason why a port is not open. */
  readonly onBindFailure: (
    service: { readonly namespace: string; readonly name: string },
    port: number,
    failure: ProxyFailure,
  ) => void
  readonly log: Log
}

/** For all ports together. Health checks of load balancers are short, and repeat if they are rejected. */
const MAX_CLIENTS = 128

/** The servers of one Service, one for each address. Either all of them are bound, or none. */
interface OpenPorts {
  readonly port: number
  readonly hosts: readonly IpAddress[]
  readonly servers: readonly HttpPort[]
}

/**
 * Serves the health check ports of Services with the external traffic policy Local (kube-proxy 1.36). They report how many
 * endpoints of the Service this node has, so that load balancers send traffic only to nodes with endpoints.
 *
 * `sync` takes the complete desired state. The new counts are in the responses at once; ports open and close a little later.
 * The next `sync` retries what failed.
 */
export class ServiceHealthServers {
  readonly #options: ServiceHealthServersOptions
  #desired: ReadonlyMap<string, ServiceHealth> = new Map()
  readonly #open = new Map<string, OpenPorts>()
  /** The Services whose port is not open, with the reason. */
  readonly #problems = new OnceReporter()
  readonly #clients = new ClientLimit(MAX_CLIENTS)
  #generation = 0
  #reconciling: Promise<void> | undefined
  #mayBind: boolean
  #closed = false

  constructor(options: ServiceHealthServersOptions) {
    this.#options = options
    this.#mayBind = options.bindAfter === undefined
    void options.bindAfter?.then(() => {
      this.#mayBind = true
      this.#startReconciling()
    })
  }

  /** Sets the Services that have a port, and their counts. */
  sync(desired: readonly ServiceHealth[]): void {
    if (this.#closed) return
    this.#generation++
    const named = desired.map(service => [`${service.namespace}/${service.name}`, service] as const)
    this.#desired = new Map(named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    this.#startReconciling()
  }

  /** The most file descriptors that the ports and their clients can use. */
  get maxDescriptors(): number {
    if (this.#desired.size === 0) return 0
    return this.#desired.size * resolveHosts(this.#options.addresses()).length + this.#clients.max
  }

  /** Resolves when all possible changes of the latest `sync` are done. */
  async waitUntilSettled(): Promise<void> {
    await this.#reconciling
  }

  /** Closes all ports forever, and disconnects their clients. */
  async close(): Promise<void> {
    this.sync([])
    this.#closed = true
    await this.#reconciling
  }

  #startReconciling(): void {
    if (this.#mayBind) this.#reconciling ??= this.#reconcile()
  }

  /** One pass at a time, so that a port that one Service no longer uses is free for another one. */
  async #reconcile(): Promise<void> {
    for (let done = -1; done !== this.#generation;) {
      done = this.#generation
      try {
        await this.#reconcileOnce()
      } catch (error) {
        this.#options.log.error('Cannot update the health check ports; the next sync retries', error)
      }
    }
    this.#reconciling = undefined
  }

  async #reconcileOnce(): Promise<void> {
    const desired = this.#desired
    const hosts = desired.size === 0 ? [] : resolveHosts(this.#options.addresses())
    const owners = resolvePortOwners(desired)
    const obsolete = [...this.#open].filter(([key, { port, hosts: bound }]) => {
      // The port has another owner now, or none.
      return owners.get(port) !== key || bound.join() !== hosts.join()
    })
    await Promise.all(obsolete.map(([key]) => this.#closePorts(key)))
    const missing = [...desired].filter(([key]) => !this.#open.has(key))
    const failures = await Promise.all(
      missing.map(async ([key, service]) => {
        const failure = await this.#openPorts(key, service, hosts, owners.get(service.port)!)
        return failure === undefined ? [] : [{ key, service, failure }]
      }),
    )
    this.#problems.update(
      failures.flat(),
      ({ key, service, failure }) => `${key} ${service.port} ${systemCode(failure.cause) ?? failure.message}`,
      ({ key, service, failure }) => this.#reportFailure(key, service, failure),
    )
  }

  async #closePorts(key: string): Promise<void> {
    const { port, servers } = this.#open.get(key)!
    this.#open.delete(key)
    await closeAll(servers)
    this.#options.log.info(1, 'Closed the health check port of a Service', { service: key, port })
  }

  /** Opens the port of a Service on all addresses; returns a failure if one cannot be opened. */
  async #openPorts(
    key: string,
    { port }: ServiceHealth,
    hosts: readonly IpAddress[],
    owner: string,
  ): Promise<ProxyFailure | undefined> {
    if (owner !== key) return portTakenFailure(owner, key, port)
    const servers = hosts.map(host => this.#createPort(key, hostPort(host, port)))
    const failures = await Promise.all(servers.map(server => server.open()))
    const failure = failures.find(failure => failure !== undefined)
    if (failure !== undefined) {
      await closeAll(servers)
      return failure
    }
    this.#open.set(key, { port, hosts, servers })
    this.#options.log.info(1, 'Opened the health check port of a Service', { service: key, port })
    return undefined
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
    this.#options.log.error('Cannot open the health check port of a Service; the next sync retries', failure, {
      service: key,
      port,
    })
    this.#options.onBindFailure({ namespace, name }, port, failure)
  }
}

/** `0.0.0.0` and `::` each mean all addresses of both families, so other addresses must not be bound as well. */
function resolveHosts(addresses: readonly IpAddress[]): readonly IpAddress[] {
  const all = IP_FAMILIES.map(unspecifiedAddress).find(address => addresses.includes(address))
  return all === undefined ? [...new Set(addresses)].sort() : [all]
}

/** The owner of each port: of several Services with one port the first by name, so that a restart changes nothing. */
function resolvePortOwners(desired: ReadonlyMap<string, ServiceHealth>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  for (const [key, { port }] of desired) if (!owners.has(port)) owners.set(port, key)
  return owners
}

function portTakenFailure(owner: string, key: string, port: number): ProxyFailure {
  return new ProxyFailure(
    'HTTP_BIND_FAILED',
    `Cannot serve the health of Service ${key} on port ${port}: Service ${owner} uses it. Each Service needs its own healthCheckNodePort`,
    {
      hint: 'Create one of the two Services again without healthCheckNodePort; the API server then chooses a free port',
    },
  )
}

/** Exactly kube-proxy's text: with tabs, and without a newline at the end. */
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
