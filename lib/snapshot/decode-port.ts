import { type ObjectPort } from '../model/objects.js'
import { parseProtocol } from '../model/protocol.js'
import { fields, isPortName, portNumber, quote, text } from './decoded.js'

/** Reads one entry of a list of ports; undefined, with a problem at `path`, when any of the three is wrong. */
export function decodePort(raw: unknown, path: string, problems: string[]): ObjectPort | undefined {
  const entry = fields(raw)
  const name = text(entry['name'], `${path}.name`, problems)
  const protocol = parseProtocol(entry['protocol'])
  const port = portNumber(entry['port'], `${path}.port`, problems)
  if (!isPortName(name)) problems.push(`${path}.name: ${quote(name)} is not a valid port name: port ignored`)
  else if (protocol === undefined)
    problems.push(`${path}.protocol: ${quote(entry['protocol'])} is none of TCP, UDP, SCTP`)
  else if (port !== undefined) return { name, protocol, port }
  return undefined
}
