/**
 * Entry of the client Pod's process: `client-program.js DNS_SERVER SEARCH_DOMAIN`. Reads one JSON command a line and answers
 * with one JSON line: `{"http": "http://nginx-service:80/"}`, `{"udp": "10.96.0.10:53"}`, `{"txt": "whoami"}`, `{"a": "nginx-service"}`.
 */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { get } from 'node:http'
import { createInterface } from 'node:readline'

type ClientCommand = Readonly<Record<'http' | 'udp' | 'txt' | 'a', string | undefined>>
/** `pod` is who answered, `saw` the client's address as the Pod saw it; `error` stands alone. */
type RequestOutcome =
  { readonly pod?: string; readonly saw?: string; readonly data?: string } | { readonly error: string }

const REPLY_TIMEOUT_MS = 10_000
/**
 * How long the port of a datagram is not used again. To the kernel a port that is would be the same flow for another 30 s: no rule
 * is asked, and none counts it.
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

async function runCommand({ http, udp, txt, a }: ClientCommand): Promise<RequestOutcome> {
  if (http !== undefined) return sendRequest(new URL(http))
  if (udp !== undefined) return sendDatagram(udp)
  if (txt !== undefined) return { pod: (await newResolver().resolveTxt(`${txt}.${domain}`)).flat().join('') }
  return { data: await resolve(a!) }
}

/** A new one each time: its next query then leaves from another port and is another flow for the proxy. */
function newResolver(): Resolver {
  const made = new Resolver({ timeout: 1000, tries: 2 })
  made.setServers([server!])
  return made
}

async function resolve(name: string): Promise<string> {
  const [ip] = await newResolver().resolve4(`${name}.${domain}`)
  if (ip === undefined) throw new Error(`no address for ${name}`)
  return ip
}

/** One request on a connection of its own, to the name's address as the cluster's DNS tells it. */
async function sendRequest(url: URL): Promise<RequestOutcome> {
  const host = await resolve(url.hostname)
  return new Promise((done, fail) => {
    const sent = get(
      {
        host,
        port: Number(url.port || 80),
        path: url.pathname,
        agent: false,
        timeout: REPLY_TIMEOUT_MS,
        headers: { host: url.host },
      },
      response => {
        const [pod = '', saw = ''] = String(response.headers['x-pod']).split(' ')
        response
          .on('error', fail)
          .on('end', () => done({ pod, saw }))
          .resume()
      },
    )
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${REPLY_TIMEOUT_MS} ms`))).on('error', fail)
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
      const [pod = '', saw = ''] = reply.toString().split(' ')
      end(() => done({ pod, saw }))
    })
    // Connected, so that it hears when the port is closed.
    socket.connect(Number(port), ip, () => socket.send('hello'))
  })
}
