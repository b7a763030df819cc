import http from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { ApiRefusal, type ApiRequest, toFailure } from './api-failure.js'
import { type ExecObserver } from './exec-outcome.js'
import { ExchangeRecord, type RequestObserver, hostOf } from './exchange-record.js'
import { type KubeAccess, type KubeAccessOptions, resolveKubeAccess } from './kube-access.js'
import { type RequestCredentials, loadCredentials } from './load-credentials.js'
import { openResponse } from './open-response.js'
import { type BodyLimits, type OpenedResponse, readBodyAsJson, readBodyLines, readBodyStart } from './read-body.js'
import { type LookupObserver, timedLookup } from './timed-lookup.js'

/** Enough to read the Status object of an error response. */
const MAX_ERROR_BODY_BYTES = 64 * 1024
/** A page of a list: 500 objects of up to 1.5 MB (etcd's limit) are a theory; 256 MiB are 500 slices of 5,000 endpoints each. */
const MAX_BODY_BYTES = 256 * 1024 * 1024
/** How long the connection of a stream that has ended waits for the next one, in milliseconds. */
const STREAM_REUSE_MS = 1000
/**
 * How long streams use the same connections, in milliseconds. Behind a load balancer, new connections spread over the API servers again
 * after one of them was away.
 */
const STREAM_CONNECTION_MS = 300_000

/**
 * The part of the Kubernetes API that this program needs. Paths start with `/api` or `/apis` and may have a query.
 *
 * All methods reject with `ApiRefusal` (a status other than 2xx), or with ProxyFailure `API_UNREACHABLE` (no or an incomplete
 * response) or `KUBECONFIG_INVALID` (no credentials at the moment). After an abort they reject with any of these; the caller
 * checks its signal. No connection stays open after the call, except for a moment after a stream that the server has ended: the
 * next one uses it, since most watches end only to be opened again.
 */
export interface KubeClient {
  /** The URL of the API server, for messages. */
  readonly server: string
  /** Resolves with the parsed JSON of the response. */
  getJson(path: string, signal: AbortSignal): Promise<unknown>
  /** Creates an object; resolves with the object as the server has stored it. Does not retry. */
  postJson(path: string, body: object, signal: AbortSignal): Promise<unknown>
  /**
   * Resolves when the response starts. Yields the lines that each chunk completes. An empty batch shows that data arrived.
   * Leaving the loop closes the connection.
   */
  streamLines(path: string, signal: AbortSignal): Promise<AsyncIterable<readonly string[]>>
}

/** Who takes notice of what the client does, as client-go lets its metrics do. */
export interface ClientObservers {
  readonly observer?: RequestObserver & LookupObserver
  readonly execObserver?: ExecObserver
}

/** Access to the API server, and timeouts. */
export interface KubeClientOptions extends KubeAccessOptions, ClientObservers {
  readonly clock: Clock
  /** How long the server may take until its response starts, in milliseconds; 30 s by default. */
  readonly responseTimeoutMs?: number
  /** How long the server may pause while it sends a list, in milliseconds; 30 s by default. */
  readonly idleTimeoutMs?: number
  /** The longest response that is read, in bytes; 256 MiB by default. */
  readonly maxBodyBytes?: number
}

/**
 * Creates a client from a kubeconfig, a server address, or the service account of a Pod. Sends no request yet.
 * @throws ProxyFailure `KUBECONFIG_INVALID` if the client can never work
 */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const access = await resolveKubeAccess(options)
  return new HttpKubeClient(access, await loadCredentials(access, options.execObserver), options)
}

class HttpKubeClient implements KubeClient {
  readonly server: string
  readonly #access: KubeAccess
  readonly #credentials: RequestCredentials
  readonly #clock: Clock
  readonly #responseTimeoutMs: number
  readonly #bodyLimits: BodyLimits
  readonly #observer: ClientObservers['observer']
  readonly #host: string
  /** Reuses connections. A request with another certificate gets another connection. */
  #streamAgent: http.Agent | undefined
  #streamAgentUntil = -Infinity

  constructor(access: KubeAccess, credentials: RequestCredentials, options: KubeClientOptions) {
    this.server = access.cluster.server
    this.#access = access
    this.#credentials = credentials
    this.#clock = options.clock
    this.#responseTimeoutMs = options.responseTimeoutMs ?? 30_000
    this.#bodyLimits = {
      maxBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      clock: options.clock,
    }
    this.#observer = options.observer
    this.#host = hostOf(this.server)
  }

  getJson(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#requestJson({ server: this.server, method: 'GET', path }, undefined, signal)
  }

  postJson(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    return this.#requestJson({ server: this.server, method: 'POST', path }, JSON.stringify(body), signal)
  }

  async streamLines(path: string, signal: AbortSignal): Promise<AsyncIterable<readonly string[]>> {
    const request = { server: this.server, method: 'GET', path } as const
    try {
      const opened = await this.#open(request, undefined, signal, this.#agentForStream())
      opened.record.leaveOpen()
      return readBodyLines(opened, request)
    } catch (error) {
      throw toFailure(error, request)
    }
  }

  #agentForStream(): http.Agent {
    const now = this.#clock.now()
    if (this.#streamAgent === undefined || now >= this.#streamAgentUntil) {
      const { Agent } = this.server.startsWith('https:') ? https : http
      this.#streamAgent = new Agent({ keepAlive: true, timeout: STREAM_REUSE_MS })
      this.#streamAgentUntil = now + STREAM_CONNECTION_MS
    }
    return this.#streamAgent
  }

  async #requestJson(request: ApiRequest, body: string | undefined, signal: AbortSignal): Promise<unknown> {
    try {
      const opened = await this.#open(request, body, signal)
      return await readBodyAsJson(opened, request, this.#bodyLimits)
    } catch (error) {
      throw toFailure(error, request)
    }
  }

  async #open(
    apiRequest: ApiRequest,
    body: string | undefined,
    signal: AbortSignal,
    agent?: http.Agent,
  ): Promise<OpenedResponse> {
    const { method = 'GET', path } = apiRequest
    const headers = { Accept: 'application/json', 'User-Agent': 'kube-proxy-node' }
    const requestBytes = Buffer.byteLength(body ?? '')
    const request: RequestOptions = {
      method,
      headers:
        body === undefined
          ? headers
          : { ...headers, 'Content-Type': 'application/json', 'Content-Length': requestBytes },
    }
    await this.#applyCredentials(request, signal)
    if (this.#observer !== undefined) request.lookup = timedLookup(this.#observer, this.#clock)
    if (request.agent === false && agent !== undefined) request.agent = agent
    // The server address may have a path (https://rancher.example/k8s/clusters/c-1).
    const url = new URL(this.server.replace(/\/+$/, '') + path)
    const record = new ExchangeRecord({ host: this.#host, method, requestBytes }, this.#observer, this.#clock)
    const response = await openResponse(url, {
      request,
      body,
      responseTimeoutMs: this.#responseTimeoutMs,
      clock: this.#clock,
      signal,
    }).catch((error: unknown) => {
      record.end()
      throw error
    })
    const status = response.statusCode ?? 0
    const opened = { response, record, authorization: authorizationOf(request) }
    record.status = status
    if (status >= 200 && status < 300) return opened
    if (status === 401) this.#credentials.discard(request)
    const start = await readBodyStart(opened, { ...this.#bodyLimits, maxBytes: MAX_ERROR_BODY_BYTES })
    throw new ApiRefusal(apiRequest, { status, headers: response.headers, body: start, now: Date.now() })
  }

  /** Reads the credentials for each request, because tokens may change at any time. */
  async #applyCredentials(request: RequestOptions, signal: AbortSignal): Promise<void> {
    const { origin } = this.#access
    try {
      // An exec command may hang; it must delay neither the next attempt nor the end of the process.
      await withTimeout(this.#credentials.apply(request), {
        clock: this.#clock,
        ms: this.#responseTimeoutMs,
        signal,
        onTimeout: () => {
          throw new Error(`no credentials within ${this.#responseTimeoutMs / 1000} s`)
        },
      })
    } catch (cause) {
      throw new ProxyFailure('KUBECONFIG_INVALID', `Cannot get credentials from ${origin}`, {
        cause,
        hint:
          (cause instanceof ProxyFailure ? cause.hint : undefined) ??
          'Check the files and the exec command of its user',
      })
    }
  }
}

function authorizationOf({ headers }: RequestOptions): string | undefined {
  const value = (headers as Record<string, unknown> | undefined)?.['Authorization']
  return typeof value === 'string' ? value : undefined
}
