import { type HttpResponse, textResponse } from './http-port.js'

/**
 * What `/healthz` of the metrics port answers, as in kube-proxy: its only check is that the process answers at all. The port for
 * health checks says more.
 */
export function pingResponse(query: URLSearchParams): HttpResponse {
  if (!query.has('verbose')) return textResponse(200, 'ok')
  const excluded = query.getAll('exclude')
  const unknown = excluded.filter(name => name !== 'ping')
  return textResponse(
    200,
    `[+]ping ${excluded.includes('ping') ? 'excluded: ' : ''}ok\n` +
      (unknown.length === 0
        ? ''
        : `warn: some health checks cannot be excluded: no matches for ${quoteAll(unknown)}\n`) +
      'healthz check passed\n',
  )
}

function quoteAll(names: readonly string[]): string {
  return names.map(name => JSON.stringify(name)).join(', ')
}
