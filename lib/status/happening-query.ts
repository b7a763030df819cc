import { type HappeningFilter } from '../dataplane/inspect-request.js'
import { familyOf, parseIp } from '../model/address.js'
import { type Cidr, parseCidr } from '../model/cidr.js'
import { quoteValue } from '../primitives/quote-value.js'
import { requireServices } from './require-services.js'
import { readStatusQuery } from './status-query.js'
import { StatusQueryError } from './status-query-error.js'
import { type StatusSources } from './status-sources.js'

const PARAMETERS = ['namespace', 'service', 'client', 'pod', 'failures']

/**
 * Reads which happenings a viewer wants.
 * @throws StatusQueryError for a wrong value, and for a Service, or a namespace with Services, that does not exist
 */
export function readHappeningQuery(search: URLSearchParams, sources: Pick<StatusSources, 'snapshot'>): HappeningFilter {
  const query = readStatusQuery(search, PARAMETERS)
  requireServices(sources, query, true)
  const { namespace, service } = query
  return {
    namespace,
    service,
    client: optional(search.get('client'), readClients),
    pod: optional(search.get('pod'), readPod),
    onlyFailures: readSwitch(search.get('failures')),
  }
}

function optional<Value>(text: string | null, read: (text: string) => Value): Value | undefined {
  return text === null ? undefined : read(text)
}

function readClients(text: string): Cidr {
  const ip = parseIp(text)
  const clients = parseCidr(ip === undefined ? text : `${ip}/${familyOf(ip) === 'IPv4' ? 32 : 128}`)
  if (clients !== undefined) return clients
  throw wrong('client', text, 'an IP address, or a range such as 10.244.0.0/16')
}

function readPod(text: string): string {
  const ip = parseIp(text)
  if (ip === undefined) throw wrong('pod', text, 'the IP address of a Pod')
  return ip
}

function readSwitch(text: string | null): boolean {
  if (text === null || text === 'false') return false
  if (text !== 'true') throw wrong('failures', text, 'true or false')
  return true
}

function wrong(name: string, text: string, expected: string): StatusQueryError {
  return new StatusQueryError(400, `${name}=${quoteValue(text)}: expected ${expected}`)
}
