import { type IncomingHttpHeaders } from 'node:http'
import { ProxyFailure, messageOf, systemCode } from '../model/failure.js'
import { shorten } from '../primitives/quote-value.js'
import { field } from './watch-event.js'

/** The longest pause that a server can ask for with Retry-After. */
const MAX_RETRY_AFTER_MS = 5 * 60_000

/** The API server responded with an error. The code is `API_REFUSED`. */
export class ApiRefusal extends ProxyFailure {
  /** The HTTP status. */
  readonly status: number
  /** How long the client should wait before the next request, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The server does not know the resourceVersion yet, or lost it in a restore of its store. */
  readonly versionTooLarge: boolean

  constructor(request: ApiRequest, response: RefusedResponse) {
    const { message, versionTooLarge } = readStatus(response.body)
    super(
      'API_REFUSED',
      `${describeRequest(request)} failed with status ${response.status} (${message}), expected ${request.method === 'POST' ? 201 : 200}`,
      { hint: refusalHint(response.status) },
    )
    this.status = response.status
    this.retryAfterMs = readRetryAfter(response.headers['retry-after'], response.now)
    this.versionTooLarge = versionTooLarge
  }
}

/** A request, for messages. */
export interface ApiRequest {
  readonly server: string
  readonly path: string
  /** GET by default. */
  readonly method?: 'GET' | 'POST'
}

interface RefusedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The start of the body. */
  readonly body: string
  /** The current time in milliseconds since 1970, to evaluate a date in Retry-After. */
  readonly now: number
}

/** The failure for an API server that did not respond. */
export function unreachableFailure(request: ApiRequest, cause: unknown): ProxyFailure {
  const hint = unreachableHint(systemCode(cause))
  return new ProxyFailure('API_UNREACHABLE', `${describeRequest(request)} failed: ${messageOf(cause)}`, { cause, hint })
}

/** The failure for a response with status 2xx that is not from an API server, such as the login page of a proxy. */
export function unreadableFailure(request: ApiRequest, cause: unknown): ProxyFailure {
  const message = `${describeRequest(request)} returned something that is not Kubernetes JSON: ${messageOf(cause)}`
  return new ProxyFailure('API_REFUSED', message, { cause, hint: refusalHint(404) })
}

/** Characters of a server's message that an error quotes. */
const MAX_MESSAGE_LENGTH = 1000

/** Turns any error of a request into a ProxyFailure. */
export function toFailure(error: unknown, request: ApiRequest): ProxyFailure {
  return error instanceof ProxyFailure ? error : unreachableFailure(request, error)
}

/** The request without selectors and versions of the query, which are long and explain nothing. */
function describeRequest({ method = 'GET', path, server }: ApiRequest): string {
  const [resource, query] = path.split('?')
  return `${method} ${resource}${query?.includes('watch=true') === true ? '?watch=true' : ''} from ${server}`
}

/** The text of a Kubernetes Status object, or the start of the body, because proxies respond with HTML. */
function readStatus(body: string): { message: string; versionTooLarge: boolean } {
  let status: unknown
  try {
    status = JSON.parse(body)
  } catch {
    // Not JSON, so not from an API server. The message quotes it.
  }
  const message = field(status, 'message') ?? body.slice(0, 200).replace(/\s+/g, ' ').trim()
  const causes = field(field(status, 'details'), 'causes')
  const versionTooLarge =
    String(message).includes('Too large resource version') ||
    (Array.isArray(causes) && causes.some(cause => field(cause, 'reason') === 'ResourceVersionTooLarge'))
  return { message: message === '' ? 'no message' : shorten(String(message), MAX_MESSAGE_LENGTH), versionTooLarge }
}

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

function refusalHint(status: number): string {
  switch (status) {
    case 401:
      return 'Check the token or client certificate of the kubeconfig or service account; it may have expired'
    case 403:
      return 'Bind the ClusterRole kube-proxy-node of deploy/base, or system:node-proxier, to the user or service account of kube-proxy'
    case 404:
      return 'Check that the server address is that of a Kubernetes API server'
    default:
      return 'See the log of the API server; the proxy keeps trying'
  }
}

function unreachableHint(code: string | undefined): string {
  if (code === undefined) return 'Check the server address, the network, and proxies in between; the proxy keeps trying'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Check the host name of the server and the DNS of this node'
  if (code === 'EPROTO') return 'Check whether the server address should start with http:// or https://'
  if (/CERT|SIGNED|ISSUER|SIGNATURE|TLS/.test(code)) {
    return 'Check certificate-authority and tls-server-name of the kubeconfig against the certificate of the server'
  }
  return 'Check that the API server runs and that this node can reach it; the proxy keeps trying'
}
