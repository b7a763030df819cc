import { type IpAddress, parseIp } from '../model/address.js'
import { type Protocol, parseProtocol } from '../model/protocol.js'

/** TO, as it is written. */
export type DestinationText =
  | {
      readonly kind: 'address'
      readonly address: IpAddress
      readonly port: number
      readonly protocol: Protocol | undefined
    }
  | {
      readonly kind: 'service'
      /** Undefined: the default namespace. */
      readonly namespace: string | undefined
      readonly name: string
      /** A number, or a name of a port; undefined: the only port. */
      readonly port: string | undefined
      readonly protocol: Protocol | undefined
    }

/**
 * Reads TO: `web:80`, `web:http`, `ns/web:80`, `svc/web:80`, `svc/ns/web:80`, `10.96.0.10:80`, `[fd00::1]:80`, each with `/udp` or
 * another protocol at its end if it has to be named. Undefined: it is none of them.
 */
export function parseDestination(text: string): DestinationText | undefined {
  const { rest, protocol } = splitProtocol(text)
  const [, inBrackets, plain, number] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(rest) ?? []
  const address = parseIp(inBrackets ?? plain)
  if (address !== undefined)
    return Number(number) > 65_535 || Number(number) === 0
      ? undefined
      : { kind: 'address', address, port: Number(number), protocol }
  const [, names = '', port] = /^([a-z0-9][a-z0-9./-]*?)(?::([a-z0-9][a-z0-9-]*))?$/.exec(rest) ?? []
  const parts = names.split('/')
  if (SERVICE_WORDS.includes(parts[0]!) && parts.length > 1) parts.shift()
  if (parts.length > 2 || parts.some(part => part === '') || parseIp(rest) !== undefined) return undefined
  const name = parts.at(-1)!
  return { kind: 'service', namespace: parts.length === 2 ? parts[0] : undefined, name, port, protocol }
}

const SERVICE_WORDS = ['svc', 'service', 'services']

/** `/udp` at the end is a protocol only where it cannot be a name: behind a port, or in upper case. */
function splitProtocol(text: string): { readonly rest: string; readonly protocol: Protocol | undefined } {
  const [, rest = text, word] = /^(.*)\/(tcp|udp|sctp)$/i.exec(text) ?? []
  const isProtocol = word !== undefined && (/:[^/]*$/.test(rest) || rest.includes('/') || word === word.toUpperCase())
  return isProtocol ? { rest, protocol: parseProtocol(word) } : { rest: text, protocol: undefined }
}
