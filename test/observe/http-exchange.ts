import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'

export interface Exchange {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Sends one request on a new connection to an address such as `127.0.0.1:40001`. */
export async function exchange(
  address: string | undefined,
  path: string,
  method = 'GET',
  headers: Readonly<Record<string, string>> = {},
): Promise<Exchange> {
  const sent = request(`http://${address}${path}`, { method, headers, agent: false })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.setEncoding('utf8')
  let body = ''
  for await (const chunk of response) body += chunk as string
  return { status: response.statusCode, headers: response.headers, body }
}
