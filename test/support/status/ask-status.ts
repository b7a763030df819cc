import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** An answer of the status API. */
export interface AskedStatus {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The JSON of the body; an empty text if there is none. */
  readonly body: unknown
}

const OTHER_PATHS = ['/v1/events', '/v1/explain']

/** Sends a request to a Unix socket. */
export async function askStatus(socketPath: string, path: string, method = 'GET'): Promise<AskedStatus> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, agent: false }, response => {
      void text(response).then(body => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: body === '' ? '' : JSON.parse(body) })
      }, reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** The paths of the overview whose answers end, and which need no parameters: that of events goes on for as long as the client stays. */
export async function askPaths(socketPath: string): Promise<readonly string[]> {
  const { body } = await askStatus(socketPath, '/v1')
  return (body as { readonly paths: readonly string[] }).paths.filter(path => !OTHER_PATHS.includes(path))
}
