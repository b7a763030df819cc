/** One request to the API server that has ended. */
export interface ApiExchange {
  /** Address and port of the server, such as `10.0.0.1:6443`. */
  readonly host: string
  readonly method: 'GET' | 'POST'
  /** The HTTP status; undefined: the server did not respond. */
  readonly status: number | undefined
  /**
   * Milliseconds from the request, without the wait for credentials, to the end of the response; undefined for a watch, which
   * lasts as long as the server lets it.
   */
  readonly durationMs: number | undefined
  readonly requestBytes: number
  /** Bytes of the response's body; undefined for a watch, and if there was no response. */
  readonly responseBytes: number | undefined
}

/** Takes notice of the requests to the API server, as client-go does for its metrics. */
export interface RequestObserver {
  requested(exchange: ApiExchange): void
}
