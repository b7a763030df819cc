import { type IncomingHttpHeaders } from 'node:http'
import { ProxyFailure, messageOf, systemCode } from '../model/failure.js'
import { field } from './watch-event.js'

/** No server is believed that asks us to stay away longer. */
const MAX_RETRY_AFTER_MS = 5 * 60_000

/** The API server answered, but not with what was asked for. Its code is `API_REFUSED`. */
export class ApiRefusal extends ProxyFailure {
  /** The HTTP status. */
  readonly status: number
  /** How long the server wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The server does not know the resourceVersion yet (or, after a restore of its store, any more). */
  readonly versionTooLarge: boolean

  constructor(request: ApiRequest, answer: RefusedResponse) {
    const { message, versionTooLarge } = readStatus(answer.body)
    super(
      'API_REFUSED',
      `${describeRequest(request)} was answered with ${answer.status} (${message}), wanted ${request.method === 'POST' ? 201 : 200}`,
      { hint: refusalHint(answer.status) },
    )
    this.status = answer.status
    this.retryAfterMs = readRetryAfter(answer.headers['retry-after'], answer.now)
    this.versionTooLarge = versionTooLarge
  }
}

/** What was asked of which server. */
export interface ApiRequest {
  readonly server: string
  readonly path: string
  /** GET unless given. */
  readonly method?: 'GET' | 'POST'
}

interface RefusedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The beginning of the body. */
  readonly body: string
  /** Milliseconds since 1970, to read a date in Retry-After. */
  readonly now: number
}

/** The failure for an API server that did not answer at all. */
export function unreachableFailure(request: ApiRequest, cause: unknown): ProxyFailure {
  const hint = unreachableHint(systemCode(cause))
  return new ProxyFailure('API_UNREACHABLE', `${describeRequest(request)} failed: ${messageOf(cause)}`, { cause, hint })
}

/** The failure for an answer with status 2xx that is not what an API server sends: that of a proxy's login page, say. */
export function unreadableFailure(request: ApiRequest, cause: unknown): ProxyFailure {
  const message = `${describeRequest(request)} was answered with something unreadable, wanted Kubernetes JSON: ${messageOf(cause)}`
  return new ProxyFailure('API_REFUSED', message, { cause, hint: refusalHint(404) })
}

/** Whatever went wrong with a request as one of our own failures. */
export function toFailure(error: unknown, request: ApiRequest): ProxyFailure {
  return error instanceof ProxyFailure ? error : unreachableFailure(request, error)
}

/** What was asked for, without the selectors and versions of the query: they fill a screen and explain nothing. */
function describeRequest({ method = 'GET', path, server }: ApiRequest): string {
  const [resource, query] = path.split('?')
  return `${method} ${resource}${query?.includes('watch=true') === true ? '?watch=true' : ''} from ${server}`
}

/** The text of a Kubernetes Status object, or the beginning of whatever else was sent (proxies answer in HTML). */
function readStatus(body: string): { message: string; versionTooLarge: boolean } {
  let status: unknown
  try {
    status = JSON.parse(body)
  } catch {
    // Not JSON, so not from an API server: shown as it is.
  }
  const message = field(status, 'message') ?? body.slice(0, 200).replace(/\s+/g, ' ').trim()
  const causes = field(field(status, 'details'), 'causes')
  const versionTooLarge =
    String(message).includes('Too large resource version') ||
    (Array.isArray(causes) && causes.some(cause => field(cause, 'reason') === 'ResourceVersionTooLarge'))
  return { message: message === '' ? 'no message' : String(message), versionTooLarge }
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
      return 'check the token or client certificate of the kubeconfig or service account; it may have expired'
    case 403:
      return 'bind the ClusterRole system:node-proxier to the user or service account of kube-proxy'
    case 404:
      return 'check that the server address is that of a Kubernetes API server'
    default:
      return 'look into the log of the API server; it is asked again by itself'
  }
}

function unreachableHint(code: string | undefined): string {
  if (code === undefined)
    return 'check the server address, and the network and proxies on the way; it is tried again by itself'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'check the host name of the server and the DNS of this node'
  if (code === 'EPROTO') return 'check whether the server address should start with http:// or https://'
  if (/CERT|SIGNED|ISSUER|SIGNATURE|TLS/.test(code)) {
    return 'check certificate-authority and tls-server-name of the kubeconfig against the certificate of the server'
  }
  return 'check that the API server runs and that this node may reach it; it is tried again by itself'
}
