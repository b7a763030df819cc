import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parseFieldRequirement, parseLabelRequirement, type ObjectMatcher, splitSelector } from './selectors.js'

/** The resources of this server, by their name in URLs. */
export type Resource = 'services' | 'endpointslices' | 'endpoints' | 'nodes' | 'pods'

/** The part of a Kubernetes object that a test needs. */
export interface ApiObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** One request that the server has received. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: http.IncomingHttpHeaders
  /** Undefined for discovery and other requests that are no list or watch. */
  readonly resource: Resource | undefined
  readonly watch: boolean
  /** Time of arrival in milliseconds since 1970. */
  readonly at: number
}

/** An event that a client has created. */
export interface CreatedEvent {
  /** The API by which it was created. */
  readonly api: 'v1' | 'events.k8s.io/v1'
  readonly namespace: string
  readonly object: ApiObject
}

/** A response to send instead of the correct one. */
export interface InjectedResponse {
  readonly status: number
  readonly headers?: http.OutgoingHttpHeaders
  /** Without it the body is a Kubernetes Status object. */
  readonly body?: string
  /** Selects the requests; all by default. */
  readonly when?: (request: ReceivedRequest) => boolean
}

export interface ApiServerOptions {
  /** TLS, as for `https.createServer`. */
  readonly tls?: https.ServerOptions
  /** A bearer token; requests without it get 401. A test can change it. */
  readonly token?: string
  /** A path before `/api` and `/apis`, as a proxy for several clusters has. */
  readonly basePath?: string
  /** Left out: a free port. */
  readonly port?: number
}

interface StoreChange {
  readonly version: number
  readonly resource: Resource
  readonly before: ApiObject | undefined
  readonly after: ApiObject | undefined
}

interface Watcher {
  readonly resource: Resource
  readonly matches: ObjectMatcher
  readonly response: http.ServerResponse
  silent: boolean
}

/**
 * The list and watch part of a Kubernetes API server, over real HTTP, with a store in memory. It works correctly except where a
 * test makes it fail:
 *
 *     const api = await ApiServer.start()
 *     api.put('services', { metadata: { namespace: 'default', name: 'web' }, spec: { … } })
 *     await api.waitForWatch('services')      // now a client has an open watch
 *     api.resetWatches('services')
 *     await api.stop()
 */
export class ApiServer {
  /** The features of this Kubernetes version; a test can change them at any time. */
  serves = {
    'discovery.k8s.io/v1': true,
    'discovery.k8s.io/v1beta1': false,
    /** Field selectors on spec.clusterIP came with Kubernetes 1.31. */
    clusterIPSelector: true,
    'events.k8s.io/v1': true,
  }
  /** All requests so far. */
  readonly requests: ReceivedRequest[] = []
  /** The events that clients have created, in order. */
  readonly events: CreatedEvent[] = []

  /** The current token of the options. */
  token: string | undefined
  /** How much later than usual each response comes, in milliseconds. */
  responseDelayMs = 0

  readonly #options: ApiServerOptions
  readonly #objects = new Map<string, { readonly resource: Resource; readonly object: ApiObject }>()
  readonly #sockets = new Set<Socket>()
  readonly #watchers = new Set<Watcher>()
  #waiters: (() => void)[] = []
  #history: StoreChange[] = []
  #injected: { readonly refusal: InjectedResponse; left: number }[] = []
  #version = 100
  #compactedTo = 0
  #listGate: Promise<void> | undefined
  #server: http.Server | undefined
  #port = 0

  private constructor(options: ApiServerOptions) {
    this.#options = options
    this.token = options.token
  }

  /** Starts a server on a free loopback port. */
  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const api = new ApiServer(options)
    api.#port = options.port ?? 0
    await api.startListening()
    return api
  }

  /** The value for `--master` or for the server in a kubeconfig. */
  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}${this.#options.basePath ?? ''}`
  }

  /** The resourceVersion of the latest change. */
  get version(): string {
    return String(this.#version)
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Creates or changes an object and notifies watchers. @returns the stored object */
  put(resource: Resource, object: ApiObject): ApiObject {
    const key = keyOf(resource, object)
    const before = this.#objects.get(key)?.object
    const version = ++this.#version
    const metadata = {
      ...(resource === 'nodes' ? {} : { namespace: 'default' }),
      uid: before?.metadata['uid'] ?? `uid-${version}`,
      ...object.metadata,
      resourceVersion: String(version),
    }
    const after = { ...object, metadata }
    this.#objects.set(key, { resource, object: after })
    this.#record({ version, resource, before, after })
    return after
  }

  /** Deletes an object and notifies watchers. @throws Error if it does not exist */
  remove(resource: Resource, name: string, namespace = 'default'): void {
    const key = keyOf(resource, { metadata: { name, namespace } })
    const before = this.#objects.get(key)?.object
    if (before === undefined) throw new Error(`there is no ${key} to remove`)
    this.#objects.delete(key)
    const version = ++this.#version
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } }
    this.#record({ version, resource, before: last, after: undefined })
  }

  /** Resolves when `condition` is true; evaluates it after each request and each end of a connection. */
  async waitUntil(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  /** Resolves when a watch of this resource is open, and neither silenced nor ended. */
  async waitForWatch(resource: Resource): Promise<void> {
    await this.waitUntil(() => this.#watchersOf(resource).some(watcher => !watcher.silent))
  }

  /** All requests of one kind so far. A list of nothing is none: it only asks whether the server has a version. */
  requestsFor(resource: Resource, what: 'list' | 'watch'): ReceivedRequest[] {
    const isCheck = ({ query }: ReceivedRequest) => query.get('fieldSelector') === 'metadata.name=-'
    return this.requests.filter(
      request => request.resource === resource && request.watch === (what === 'watch') && !isCheck(request),
    )
  }

  /** Sends another response to the next `count` requests that match. */
  injectNext(count: number, refusal: InjectedResponse): void {
    this.#injected.push({ refusal, left: count })
  }

  /** Removes all injected responses. */
  clearInjected(): void {
    this.#injected = []
  }

  /** Holds back responses to list requests until the returned function is called. */
  holdLists(): () => void {
    let release = () => {}
    this.#listGate = new Promise(resolve => (release = resolve))
    return () => {
      this.#listGate = undefined
      release()
    }
  }

  /** Drops the history of changes: a watch from an earlier version gets a 410 event. */
  compact(): void {
    this.#compactedTo = this.#version
    this.#history = []
  }

  /** Sends a bookmark with the current version. */
  bookmark(resource: Resource): void {
    const { kind } = KINDS[resource]
    this.#send(resource, { type: 'BOOKMARK', object: { kind, metadata: { resourceVersion: this.version } } })
  }

  /** Ends watches with a 410 event, as after a compaction of their version. */
  expireWatches(resource: Resource): void {
    this.#send(resource, { type: 'ERROR', object: status(410, 'Expired', 'too old resource version') })
    this.closeWatches(resource)
  }

  /** Ends watches normally. */
  closeWatches(resource: Resource): void {
    for (const watcher of this.#removeWatchers(resource)) watcher.response.end()
  }

  /** Ends watches with a TCP reset. */
  resetWatches(resource: Resource): void {
    for (const watcher of this.#removeWatchers(resource)) watcher.response.socket?.resetAndDestroy()
  }

  /** Keeps watches open, but sends nothing more on them. */
  silenceWatches(resource: Resource): void {
    for (const watcher of this.#watchersOf(resource)) watcher.silent = true
  }

  /** Sends raw bytes on watches; resolves when the kernel has accepted them. */
  async sendRaw(resource: Resource, bytes: string | Uint8Array): Promise<void> {
    const writes = this.#watchersOf(resource).map(
      ({ response }) => new Promise<void>(resolve => response.write(bytes, () => resolve())),
    )
    await Promise.all(writes)
  }

  /** Stops listening and resets all connections. The store stays, and a test can change it in the meantime. */
  async stopListening(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    this.#watchers.clear()
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed
  }

  /** Listens again, on the same port. */
  async startListening(): Promise<void> {
    const { tls } = this.#options
    const serve = (request: http.IncomingMessage, response: http.ServerResponse) => void this.#serve(request, response)
    const server = tls === undefined ? http.createServer(serve) : https.createServer(tls, serve)
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#wakeWaiters()
      })
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    await this.stopListening()
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://api')
    const base = this.#options.basePath ?? ''
    const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : 'outside of the base path'
    const resource = this.#resourceAt(path)
    const watch = url.searchParams.get('watch') === 'true'
    const method = request.method ?? 'GET'
    const query = url.searchParams
    const seen: ReceivedRequest = { method, path, query, headers: request.headers, resource, watch, at: Date.now() }
    this.requests.push(seen)
    this.#wakeWaiters()
    const { token } = this
    const refusal = this.#takeInjected(seen)
    if (this.responseDelayMs > 0) await delay(this.responseDelayMs)
    const body = method === 'POST' ? await readBody(request) : ''
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      sendFailure(response, { status: 401 })
    } else if (refusal !== undefined) {
      sendFailure(response, refusal)
    } else if (method === 'POST') {
      this.#create(path, body, response)
    } else if (path.startsWith(NODE_PATH)) {
      this.#getObject('nodes', { name: path.slice(NODE_PATH.length) }, response)
    } else if (SERVICE_PATH.test(path)) {
      const [, namespace, name] = SERVICE_PATH.exec(path)!
      this.#getObject('services', { namespace: namespace!, name: name! }, response)
    } else if (resource === undefined) {
      this.#discover(path, response)
    } else if (watch) {
      this.#watch(resource, url.searchParams, response)
    } else {
      await this.#listGate
      this.#list(resource, url.searchParams, response, NAMESPACE.exec(path)?.[1])
    }
    this.#wakeWaiters()
  }

  #resourceAt(path: string): Resource | undefined {
    const match = /^(?:\/api\/v1|\/apis\/(discovery\.k8s\.io\/v1(?:beta1)?))(?:\/namespaces\/[^/]+)?\/([a-z]+)$/.exec(
      path,
    )
    const group = match?.[1] as 'discovery.k8s.io/v1' | 'discovery.k8s.io/v1beta1' | undefined
    const name = match?.[2]
    if (group !== undefined) return name === 'endpointslices' && this.serves[group] ? name : undefined
    return name === 'services' || name === 'endpoints' || name === 'nodes' || name === 'pods' ? name : undefined
  }

  #discover(path: string, response: http.ServerResponse): void {
    const versions = (['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1'] as const).filter(name => this.serves[name])
    const group = { name: 'discovery.k8s.io', versions: versions.map(groupVersion => ({ groupVersion })) }
    if (path === '/apis') {
      const apps = { name: 'apps', versions: [{ groupVersion: 'apps/v1' }] }
      return sendJson(response, { kind: 'APIGroupList', groups: versions.length === 0 ? [apps] : [apps, group] })
    }
    if (versions.some(version => path === `/apis/${version}`)) {
      return sendJson(response, { kind: 'APIResourceList', resources: [{ name: 'endpointslices' }] })
    }
    sendFailure(response, { status: 404 })
  }

  /** Clients can create only events. */
  #create(path: string, body: string, response: http.ServerResponse): void {
    const [, group, namespace] = /^\/(api|apis\/events\.k8s\.io)\/v1\/namespaces\/([^/]+)\/events$/.exec(path) ?? []
    const api = group === 'api' ? 'v1' : 'events.k8s.io/v1'
    if (namespace === undefined || (api !== 'v1' && !this.serves[api])) return sendFailure(response, { status: 404 })
    const object = JSON.parse(body) as ApiObject
    if (object.metadata.namespace !== namespace) return sendFailure(response, { status: 400 })
    const isThere = (event: CreatedEvent) =>
      event.namespace === namespace && event.object.metadata.name === object.metadata.name
    if (this.events.some(isThere)) return sendFailure(response, { status: 409 })
    this.events.push({ api, namespace, object })
    sendJson(response, object, 201)
  }

  /** Only Nodes and Services can be requested by name: the original kube-proxy requests one Node, the doctor one Service. */
  #getObject(resource: Resource, metadata: ApiObject['metadata'], response: http.ServerResponse): void {
    const stored = this.#objects.get(keyOf(resource, { metadata }))
    if (stored === undefined) return sendFailure(response, { status: 404 })
    sendJson(response, stored.object)
  }

  /** @param namespace whose objects are asked for; left out: those of all namespaces */
  #list(resource: Resource, query: URLSearchParams, response: http.ServerResponse, namespace?: string): void {
    const matches = this.#matcher(query)
    if (matches === undefined) return sendFailure(response, { status: 400 })
    const isIn = ({ metadata }: ApiObject): boolean => (namespace ?? metadata.namespace) === metadata.namespace
    const notOlderThan = Number(query.get('resourceVersion') ?? 0)
    if (notOlderThan > this.#version) {
      const body = { ...status(504, 'Timeout', 'Too large resource version'), details: { causes: TOO_LARGE } }
      return sendFailure(response, { status: 504, body: JSON.stringify(body) })
    }
    const items = [...this.#objects.values()].filter(
      stored => stored.resource === resource && isIn(stored.object) && matches(stored.object),
    )
    sendJson(response, {
      kind: `${KINDS[resource].kind}List`,
      metadata: { resourceVersion: this.version },
      items: items.map(({ object }) => object),
    })
  }

  #watch(resource: Resource, query: URLSearchParams, response: http.ServerResponse): void {
    const matches = this.#matcher(query)
    if (matches === undefined) return sendFailure(response, { status: 400 })
    const from = Number(query.get('resourceVersion') ?? 0)
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.flushHeaders()
    const watcher: Watcher = { resource, matches, response, silent: false }
    if (from < this.#compactedTo) {
      response.end(eventLine({ type: 'ERROR', object: status(410, 'Expired', `too old resource version: ${from}`) }))
      return
    }
    // Versions count changes of the whole store, so a watch skips the versions of other resources.
    for (const change of this.#history)
      if (change.version > from && change.resource === resource) sendChange(watcher, change)
    this.#watchers.add(watcher)
    const seconds = Number(query.get('timeoutSeconds') ?? 0)
    const timer = seconds > 0 ? setTimeout(() => watcher.silent || response.end(), seconds * 1000) : undefined
    response.on('close', () => {
      clearTimeout(timer)
      this.#watchers.delete(watcher)
    })
  }

  /** Parses both selectors; undefined if a field is not supported (400). */
  #matcher(query: URLSearchParams): ObjectMatcher | undefined {
    const labels = splitSelector(query.get('labelSelector')).map(parseLabelRequirement)
    const fields = splitSelector(query.get('fieldSelector')).map(part =>
      parseFieldRequirement(part, this.serves.clusterIPSelector),
    )
    if (fields.includes(undefined)) return undefined
    return object => [...labels, ...fields].every(matches => matches!(object))
  }

  #takeInjected(request: ReceivedRequest): InjectedResponse | undefined {
    const found = this.#injected.find(({ refusal, left }) => left > 0 && refusal.when?.(request) !== false)
    if (found !== undefined) found.left--
    return found?.refusal
  }

  #record(change: StoreChange): void {
    this.#history.push(change)
    for (const watcher of this.#watchersOf(change.resource)) sendChange(watcher, change)
  }

  #send(resource: Resource, event: object): void {
    for (const { silent, response } of this.#watchersOf(resource)) if (!silent) response.write(eventLine(event))
  }

  #watchersOf(resource: Resource): Watcher[] {
    return [...this.#watchers].filter(watcher => watcher.resource === resource)
  }

  /** Removes the watchers of a resource and returns them. */
  #removeWatchers(resource: Resource): Watcher[] {
    const taken = this.#watchersOf(resource)
    for (const watcher of taken) this.#watchers.delete(watcher)
    return taken
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

const KINDS = {
  services: { kind: 'Service' },
  endpointslices: { kind: 'EndpointSlice' },
  endpoints: { kind: 'Endpoints' },
  nodes: { kind: 'Node' },
  pods: { kind: 'Pod' },
} as const

const NODE_PATH = '/api/v1/nodes/'
const SERVICE_PATH = /^\/api\/v1\/namespaces\/([^/]+)\/services\/([^/]+)$/
const NAMESPACE = /\/namespaces\/([^/]+)\//

const TOO_LARGE = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]

/** For a watcher, an object that starts to match its selector is added, and one that no longer matches is deleted. */
function sendChange({ matches, response, silent }: Watcher, { version, before, after }: StoreChange): void {
  if (silent) return
  const was = before !== undefined && matches(before)
  const is = after !== undefined && matches(after)
  if (is) response.write(eventLine({ type: was ? 'MODIFIED' : 'ADDED', object: after }))
  else if (was) {
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } }
    response.write(eventLine({ type: 'DELETED', object }))
  }
}

function keyOf(resource: Resource, { metadata }: ApiObject): string {
  return `${resource} ${resource === 'nodes' ? '' : (metadata.namespace ?? 'default')}/${metadata.name}`
}

function status(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }
}

function eventLine(event: object): string {
  return `${JSON.stringify(event)}\n`
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function sendJson(response: http.ServerResponse, body: object, code = 200): void {
  response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

function sendFailure(response: http.ServerResponse, { status: code, headers, body }: InjectedResponse): void {
  const reason = http.STATUS_CODES[code] ?? 'Unknown'
  response
    .writeHead(code, { 'Content-Type': 'application/json', ...headers })
    .end(body ?? JSON.stringify(status(code, reason.replaceAll(' ', ''), `the test server says ${reason}`)))
}
