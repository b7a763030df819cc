/**
 * Entry of a DNS Pod's process: `dns-server.js NAME SEARCH_DOMAIN SERVICE=IP …`. Answers A queries for Services, and TXT
 * queries for `whoami` with the name of the Pod. Prints `ready`. Exits at the end of its standard input.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet'

const TTL_SECONDS = 5
const NAME_ERROR = 3

const [pod, domain, ...services] = process.argv.slice(2)
const addresses = new Map(
  services.map(text => text.split('=') as [string, string]).map(([name, ip]) => [`${name}.${domain}`, ip]),
)

const socket = createSocket('udp4')
socket.on('message', (datagram, from) => {
  const reply = buildReply(datagram)
  if (reply !== undefined) socket.send(reply, from.port, from.address)
})
socket.bind(53)
await once(socket, 'listening')
process.stdout.write('ready\n')
process.stdin.on('end', () => process.exit()).resume()

/** Undefined if the datagram is not a DNS query. */
function buildReply(datagram: Buffer): Buffer | undefined {
  try {
    const { id, questions } = decode(datagram)
    const [question] = questions ?? []
    if (question === undefined) return undefined
    const { known, answers } = lookUp(question.name.toLowerCase(), question.type)
    return encode({
      type: 'response',
      ...(id !== undefined && { id }),
      flags: AUTHORITATIVE_ANSWER | (known ? 0 : NAME_ERROR),
      questions: [question],
      answers,
    })
  } catch {
    return undefined
  }
}

function lookUp(name: string, type: string): { known: boolean; answers: Answer[] } {
  if (name === `whoami.${domain}` && type === 'TXT') {
    return { known: true, answers: [{ type: 'TXT', name, ttl: 0, data: pod! }] }
  }
  const ip = addresses.get(name)
  // A name without records of the requested type (such as AAAA) still exists: no name error.
  const answers: Answer[] = ip !== undefined && type === 'A' ? [{ type: 'A', name, ttl: TTL_SECONDS, data: ip }] : []
  return { known: ip !== undefined, answers }
}
