import { type ApiExchange, type RequestObserver } from '../source/exchange-record.js'
import { type LookupObserver } from '../source/timed-lookup.js'
import { type MetricRegistry } from './metric-registry.js'

const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
const LOOKUP_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30]
/** 64 bytes to 16 MiB. */
const SIZE_BUCKETS = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
/** The status that client-go shows for a request without a response. */
const NO_RESPONSE = '<error>'

/** The metrics of requests to the API server, with the names, labels and buckets of client-go in Kubernetes 1.36. */
export class RequestMetrics implements RequestObserver, LookupObserver {
  readonly #requests
  readonly #durations
  readonly #requestSizes
  readonly #responseSizes
  readonly #lookups

  constructor(registry: MetricRegistry) {
    const labels = ['verb', 'host'] as const
    this.#requests = registry.counter(
      'rest_client_requests_total',
      'Requests to the API server by HTTP status; a watch is one request',
      ['code', 'method', 'host'],
    )
    this.#durations = registry.histogram(
      'rest_client_request_duration_seconds',
      'Duration of requests to the API server, without watches',
      DURATION_BUCKETS,
      labels,
    )
    this.#requestSizes = registry.histogram(
      'rest_client_request_size_bytes',
      'Size of the body of requests to the API server',
      SIZE_BUCKETS,
      labels,
    )
    this.#responseSizes = registry.histogram(
      'rest_client_response_size_bytes',
      'Size of the body of responses of the API server, without watches',
      SIZE_BUCKETS,
      labels,
    )
    this.#lookups = registry.histogram(
      'rest_client_dns_resolution_duration_seconds',
      "Duration of lookups of the API server's name; the host has no port",
      LOOKUP_BUCKETS,
      ['host'],
    )
  }

  requested({ host, method, status, durationMs, requestBytes, responseBytes }: ApiExchange): void {
    const labels = { verb: method, host }
    this.#requests.inc({ code: status === undefined ? NO_RESPONSE : String(status), method, host })
    this.#requestSizes.observe(labels, requestBytes)
    if (durationMs !== undefined) this.#durations.observe(labels, durationMs / 1000)
    if (responseBytes !== undefined) this.#responseSizes.observe(labels, responseBytes)
  }
  lookedUp(host: string, durationMs: number): void {
    this.#lookups.observe({ host }, durationMs / 1000)
  }
}
