import { type IncomingMessage } from 'node:http'
import { type RequestOptions } from 'node:https'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { ApiRefusal, type ApiRequest, toFailure, unreachableFailure, unreadableFailure } from './api-failure.js'
import { type KubeCluster, type KubeUser } from './read-kubeconfig.js'
import { type Credentials, needsOnlyPlainCredentials, plainCredentials } from './plain-credentials.js'
import { type KubeAccess, type KubeAccessOptions, resolveKubeAccess } from './kube-access.js'
import { LineSplitter } from './line-splitter.js'
import { openResponse } from './open-response.js'
import { Watchdog } from './watchdog.js'

/** Enough of a refusal to read the Status object in it. */
const MAX_ERROR_BODY_BYTES = 64 * 1024

/**
 * The little of the Kubernetes API that this program needs. Paths start with `/api` or `/apis` and may carry a query.
 *
 * All methods reject with `ApiRefusal` (an answer other than 2xx), with ProxyFailure `API_UNREACHABLE` (no answer, or
 * one that breaks off) or `KUBECONFIG_INVALID` (the credentials cannot be had just now). After an abort they reject
 * with any of these; the caller asks its signal. No connection outlives the call.
 */
export interface KubeClient {
  /** The URL of the API server, for messages. */
  readonly server: string
  /** The answer, read as JSON. */
  getJson(path: string, signal: AbortSignal): Promise<unknown>
  /** Sends an object to be created; the answer is what the server made of it. Not repeated when it fails. */
  postJson(path: string, body: object, signal: AbortSignal): Promise<unknown>
  /**
   * Resolves when the server has begun to answer. Yields the lines that became complete with each chunk, also an empty
   * batch, which still is a sign of life. Leaving the loop closes the connection.
   */
  streamLines(path: string, signal: AbortSignal): Promise<AsyncIterable<readonly string[]>>
}

/** Access to the API server, and timeouts. */
export interface KubeClientOptions extends KubeAccessOptions {
  readonly clock: Clock
  /** How long the server may take to begin its answer, in milliseconds; 30 s by default. */
  readonly responseTimeoutMs?: number
  /** How long a list that is being sent may pause, in milliseconds; 30 s by default. */
  readonly idleTimeoutMs?: number
}

/**
 * Makes a client from a kubeconfig, a server address, or what the kubelet gives every Pod.
 *
 * Rejects with ProxyFailure `KUBECONFIG_INVALID` when that can never work. It does not talk to the server yet.
 */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const access = await resolveKubeAccess(options)
  return new HttpKubeClient(access, await loadCredentials(access), options)
}

/** All kinds of kubeconfig credentials. What stands in files must be usable now; what a command gives may come and go. */
async function loadCredentials({ origin, cluster, user }: KubeAccess): Promise<Credentials> {
  const credentials = needsOnlyPlainCredentials(cluster, user)
    ? plainCredentials(cluster, user)
    : await loadOfficialCredentials(cluster, user)
  if (user.exec !== undefined || user.authProvider !== undefined) return credentials
  try {
    const request: RequestOptions = {}
    await credentials(request)
    createSecureContext({ ca: request.ca, cert: request.cert, key: request.key })
  } catch (cause) {
    throw new ProxyFailure('KUBECONFIG_INVALID', `${origin} has certificates or keys that are not usable, wanted PEM`, {
      cause,
      hint: 'check certificate-authority, client-certificate and client-key of the kubeconfig, and their -data forms',
    })
  }
  return credentials
}

/** By way of the official client, which costs 0.6 s and 70 MB to load: who can do without must not pay for it. */
async function loadOfficialCredentials(cluster: KubeCluster, user: KubeUser): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(cluster, user)
  return async request => config.applyToHTTPSOptions(request)
}

class HttpKubeClient implements KubeClient {
  readonly server: string
  readonly #access: KubeAccess
  readonly #credentials: Credentials
  readonly #clock: Clock
  readonly #responseTimeoutMs: number
  readonly #idleTimeoutMs: number

  constructor(access: KubeAccess, credentials: Credentials, options: KubeClientOptions) {
    this.server = access.cluster.server
    this.#access = access
    this.#credentials = credentials
    this.#clock = options.clock
    this.#responseTimeoutMs = options.responseTimeoutMs ?? 30_000
    this.#idleTimeoutMs = options.idleTimeoutMs ?? 30_000
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
      return this.#readLines(await this.#open(request, undefined, signal), request)
    } catch (error) {
      throw toFailure(error, request)
    }
  }

  async #requestJson(request: ApiRequest, body: string | undefined, signal: AbortSignal): Promise<unknown> {
    try {
      return parseJson(await this.#readAll(await this.#open(request, body, signal)), request)
    } catch (error) {
      throw toFailure(error, request)
    }
  }

  async *#readLines(response: IncomingMessage, request: ApiRequest): AsyncGenerator<readonly string[]> {
    const splitter = new LineSplitter()
    try {
      for await (const chunk of response) yield splitter.push(chunk as Buffer)
    } catch (error) {
      throw unreachableFailure(request, error)
    }
  }

  async #open(apiRequest: ApiRequest, body: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path } = apiRequest
    const headers = { Accept: 'application/json', 'User-Agent': 'kube-proxy-node' }
    const request: RequestOptions = {
      method,
      headers:
        body === undefined
          ? headers
          : { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
    }
    await this.#applyCredentials(request, signal)
    // The server may live below a path of its own (https://rancher.example/k8s/clusters/c-1).
    const url = new URL(this.server.replace(/\/+$/, '') + path)
    const response = await openResponse(url, {
      request,
      body,
      responseTimeoutMs: this.#responseTimeoutMs,
      clock: this.#clock,
      signal,
    })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    const refusal = await this.#readAll(response, MAX_ERROR_BODY_BYTES)
    throw new ApiRefusal(apiRequest, { status, headers: response.headers, body: refusal, now: Date.now() })
  }

  /** Asked for afresh with every request, since tokens are replaced while we run. */
  async #applyCredentials(request: RequestOptions, signal: AbortSignal): Promise<void> {
    const { tokenFile, origin } = this.#access
    try {
      // An exec command may hang; it must delay neither the next attempt nor the end of the process.
      await withTimeout(this.#credentials(request), {
        clock: this.#clock,
        ms: this.#responseTimeoutMs,
        signal,
        onTimeout: () => {
          throw new Error(`no credentials within ${this.#responseTimeoutMs / 1000} s`)
        },
      })
      if (tokenFile !== undefined) {
        const token = (await readFile(tokenFile, 'utf8')).trim()
        request.headers = { ...request.headers, Authorization: `Bearer ${token}` }
      }
    } catch (cause) {
      throw new ProxyFailure(
        'KUBECONFIG_INVALID',
        `no credentials could be had from ${origin}, wanted those of its user`,
        {
          cause,
          hint: 'check the files and the exec command that its user names',
        },
      )
    }
  }

  /** The body as text, cut off after `maxBytes`; rejects when the server pauses too long. */
  async #readAll(response: IncomingMessage, maxBytes = Infinity): Promise<string> {
    const stalled = () => response.destroy(new Error(`the answer broke off for ${this.#idleTimeoutMs / 1000} s`))
    const watchdog = new Watchdog(this.#clock, () => this.#idleTimeoutMs, stalled)
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of response) {
        watchdog.recordActivity()
        chunks.push(chunk as Buffer)
        bytes += (chunk as Buffer).length
        if (bytes >= maxBytes) break
      }
      return Buffer.concat(chunks).toString('utf8')
    } finally {
      watchdog.stop()
    }
  }
}

function parseJson(text: string, request: ApiRequest): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadableFailure(request, error)
  }
}
