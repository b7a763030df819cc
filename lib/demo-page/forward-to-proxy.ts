import { type IncomingMessage, type ServerResponse, request } from 'node:http'
import { onceClosed } from '../status/once-closed.js'

/** What the proxy says of an answer, and the browser should know. */
const PASSED_HEADERS = ['content-type', 'content-length', 'allow', 'kube-proxy-version', 'kube-proxy-status-api']

/**
 * Passes a request on to the status socket of a proxy, and its answer back, as it comes.
 * @param onFailure called if the proxy gives no answer
 */
export function forwardToProxy(
  socketPath: string,
  { url, method }: IncomingMessage,
  response: ServerResponse,
  onFailure: (error: Error) => void,
): void {
  const sent = request({ socketPath, path: url, method, agent: false }, answer => {
    for (const name of PASSED_HEADERS) {
      const value = answer.headers[name]
      if (value !== undefined) response.setHeader(name, value)
    }
    response.writeHead(answer.statusCode ?? 502)
    response.flushHeaders()
    // A proxy that ends in the middle of an answer: the browser must see that it is not whole.
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  })
  sent.on('error', error => {
    if (!response.headersSent && !response.destroyed) onFailure(error)
    else response.destroy()
  })
  onceClosed(response, () => sent.destroy())
  sent.end()
}
