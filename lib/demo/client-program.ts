/**
 * Entry of the client Pod's process: `client-program.js DNS_SERVER SEARCH_DOMAIN`. Reads one JSON command per line and writes
 * the outcome as one JSON line. Commands: `{"http": "http://nginx-service:80/"}`, `{"udp": "10.96.0.10:53"}`, `{"txt": "whoami"}`, `{"a": "nginx-service"}`.
 * `timeoutMs` beside `http` is how long to wait for its answer.
 */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { get } from 'node:http'
import { isIP } from 'node:net'
import { createInterface } from 'node:readline'

type ClientCommand = Readonly<Record<'http' | 'udp' | 'txt' | 'a', string | undefined>> & {
  readonly timeoutMs?: number
}
/** `pod` is the Pod that answered, `clientIP` the client's address as that Pod sees it. */
type RequestOutcome =
  { readonly pod?: string; readonly clientIP?: string; readonly data?: string } | { readonly error: string }

const REPLY_TIMEOUT_MS = 10_000
/**
 * How long the client does not reuse the port of a datagram. The kernel keeps a UDP flow for 30 s after its last datagram, and
 * rules neither see nor count more datagrams of the same flow.
 */
const PORT_QUARANTINE_MS = 60_000
const [server, domain] = process.argv.slice(2)

process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await runCommand(JSON.parse(line) as ClientCommand).catch((error: NodeJS.ErrnoException) => ({
    error: error.code ?? error.message,
  }))
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
}
process.exit()

async function runCommand({ http, udp, txt, a, timeoutMs }: ClientCommand): Promise<RequestOutcome> {
  if (http !== undefined) return sendRequest(new URL(http), timeoutMs ?? REPLY_TIMEOUT_MS)
  if (udp !== undefined) return sendDatagram(udp)
  if (txt !== undefined) return { pod: (await newResolver().resolveTxt(`${txt}.${domain}`)).flat().join('') }
  return { data: await resolve(a!) }
}

/** A new resolver for each query: its queries leave from a new port, so they are a new flow for the proxy. */
function newResolver(): Resolver {
  const resolver = new Resolver({ timeout: 1000, tries: 2 })
  resolver.setServers([server!])
  return resolver
}

async function resolve(name: string): Promise<string> {
  const [ip] = await newResolver().resolve4(`${name}.${domain}`)
  if (ip === undefined) throw new Error(`DNS has no address for ${name}`)
  return ip
}

/** Sends one request on a new connection, to the address that the DNS of the cluster has for the name. */
async function sendRequest(url: URL, timeoutMs: number): Promise<RequestOutcome> {
  const host = isIP(url.hostname) === 0 ? await resolve(url.hostname) : url.hostname
  return new Promise((done, fail) => {
    const sent = get(
      {
        host,
        port: Number(url.port || 80),
        path: url.pathname,
        agent: false,
        timeout: timeoutMs,
        headers: { host: url.host },
      },
      response => {
        const [pod = '', clientIP = ''] = String(response.headers['x-pod']).split(' ')
        response
          .on('error', fail)
          .on('end', () => done({ pod, clientIP }))
          .resume()
      },
    )
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`))).on('error', fail)
  })
}

function sendDatagram(target: string): Promise<RequestOutcome> {
  const [ip, port] = target.split(':')
  return new Promise((done, fail) => {
    const socket = createSocket('udp4')
    setTimeout(() => socket.close(), PORT_QUARANTINE_MS).unref()
    const timer = setTimeout(() => fail(new Error(`no answer within ${REPLY_TIMEOUT_MS} ms`)), REPLY_TIMEOUT_MS)
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      settle()
    }
    socket.on('error', error => end(() => fail(error)))
    socket.on('message', reply => {
      const [pod = '', clientIP = ''] = reply.toString().split(' ')
      end(() => done({ pod, clientIP }))
    })
    // Connected: the kernel reports a closed port only to a connected socket.
    socket.connect(Number(port), ip, () => socket.send('hello'))
  })
}
