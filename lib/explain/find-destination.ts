import { type Frontend } from '../frontends/frontend.js'
import { type IpAddress, type IpFamily, familyOf, hostPort } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { type ServiceObject, objectKey } from '../model/objects.js'
import { type Protocol } from '../model/protocol.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'
import { ignoredReason } from '../snapshot/service-ports.js'
import { describeFrontend } from './describe-frontend.js'
import { type ExplainedState, type KnownServices } from './explained-state.js'
import { type DestinationText } from './destination-text.js'

/** Where the packet goes first. */
export interface Destination {
  readonly address: IpAddress
  readonly port: number
  readonly protocol: Protocol
  /** The frontend at this address, if one is served there. */
  readonly frontend: Frontend | undefined
  readonly text: string
  readonly notes: readonly string[]
}

/** How many names an error lists. */
const MAX_LISTED = 10

/**
 * Finds the address.
 * @param family of the client's address; undefined: it has none yet
 * @param defaultNamespace of Services without namespace
 * @throws ProxyFailure EXPLAIN_INVALID with what exists, if there is no such Service or port
 */
export function findDestination(
  to: DestinationText,
  family: IpFamily | undefined,
  defaultNamespace: string,
  state: ExplainedState,
): Destination {
  if (to.kind === 'address') return atAddress(to, state)
  const { known } = state
  if (known === undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', `${quoteValue(to.name)}: no Service is known here, only rules`, {
      hint: 'Name an address such as 10.96.0.10:80, or give the objects with --manifests',
    })
  const service = findService(to.namespace ?? defaultNamespace, to, known)
  const reason = ignoredReason(service)
  if (reason !== undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', `Service ${objectKey(service)} has no address here: ${reason}`, {
      hint: 'Name the address that a client gets from DNS',
    })
  const { name: portName, port, protocol } = findPort(service, to)
  const own = known.frontends.filter(
    ({ servicePort: each, kind }) =>
      each.name === service.name &&
      kind === 'cluster IP' &&
      each.namespace === service.namespace &&
      each.portName === portName &&
      each.protocol === protocol,
  )
  const frontend = own.find(({ servicePort }) => servicePort.family === family) ?? own[0]
  const address = frontend?.address ?? service.clusterIPs.find(ip => familyOf(ip) === family) ?? service.clusterIPs[0]!
  const text = `Service ${objectKey(service)}, port ${port}/${protocol}: cluster IP ${hostPort(address, port)}`
  return { address, port, protocol, frontend, text, notes: notesOf(frontend, address, port, protocol, known) }
}

function atAddress(to: DestinationText & { readonly kind: 'address' }, state: ExplainedState): Destination {
  const { address, port } = to
  const near = nearbyFrontends(address, port, state)
  const candidate = (protocol: Protocol): Frontend | undefined => frontendAt(near, address, protocol)
  const all = (['TCP', 'UDP', 'SCTP'] as const).filter(protocol => candidate(protocol) !== undefined)
  const protocol = to.protocol ?? all[0] ?? 'TCP'
  const frontend = candidate(protocol)
  const others = all.filter(each => each !== protocol)
  const notes =
    to.protocol === undefined && others.length > 0
      ? [`This address has ${others.join(' and ')} too; add /${others[0]!.toLowerCase()} to ask for it`]
      : []
  const owner = frontend === undefined ? '' : `, ${describeFrontend(frontend)}`
  const text = `${hostPort(address, port)}/${protocol}${owner}`
  const more = state.known === undefined ? [] : notesOf(frontend, address, port, protocol, state.known)
  return { address, port, protocol, frontend, text, notes: [...notes, ...more] }
}

/** The frontends that may serve an address. There may be 20,000: all of them are looked at once. */
function nearbyFrontends(address: IpAddress, port: number, { known, layout }: ExplainedState): readonly Frontend[] {
  const isOfNode = layout.isOwnAddress(address)
  const family = familyOf(address)
  return (known?.frontends ?? []).filter(
    frontend =>
      frontend.port === port &&
      (frontend.address === address || (isOfNode && frontend.address === undefined)) &&
      frontend.servicePort.family === family,
  )
}

/** The frontend at an address: an address of a Service comes before a node port. */
function frontendAt(near: readonly Frontend[], address: IpAddress, protocol: Protocol): Frontend | undefined {
  const own = near.filter(({ servicePort }) => servicePort.protocol === protocol)
  return own.find(frontend => frontend.address === address) ?? own.find(frontend => frontend.address === undefined)
}

/** What a reader should know of the address besides. */
function notesOf(
  frontend: Frontend | undefined,
  address: IpAddress,
  port: number,
  protocol: Protocol,
  { unserved, frontends }: KnownServices,
): string[] {
  const lost = unserved.find(
    ({ frontend: { address: ip, port: number, servicePort } }) =>
      ip === address && number === port && servicePort.protocol === protocol,
  )
  if (lost !== undefined) return [`${describeFrontend(lost.frontend)} is not served here: ${lost.why}`]
  if (frontend !== undefined) return []
  const here = frontends.filter(each => each.address === address)
  if (here.length === 0) return []
  const ports = here.map(each => `${each.port}/${each.servicePort.protocol}`)
  return [`${describeFrontend(here[0]!)} has no port ${port}/${protocol} at this address; it has ${ports.join(', ')}`]
}

function findService(
  namespace: string,
  { name }: { readonly name: string },
  { services }: KnownServices,
): ServiceObject {
  const key = objectKey({ namespace, name })
  const service = services.get(key)
  if (service !== undefined) return service
  const names = [...services.keys()].sort()
  const elsewhere = names.filter(each => each.endsWith(`/${name}`))
  const near = elsewhere[0] ?? closestText(key, names)
  const suggestion = near === undefined ? '' : `; did you mean ${near}?`
  throw new ProxyFailure('EXPLAIN_INVALID', `There is no Service ${key}${suggestion}`, {
    hint: `Known: ${list(names)}`,
    exists: names,
  })
}

function findPort(service: ServiceObject, { port, protocol }: DestinationText & { readonly kind: 'service' }) {
  const { ports } = service
  const found = ports.filter(
    each =>
      (port === undefined || each.name === port || String(each.port) === port) &&
      (protocol === undefined || each.protocol === protocol),
  )
  // A number that TCP and UDP share means TCP, as in a Service itself.
  const shared = found.find(each => each.protocol === 'TCP') ?? found[0]
  const chosen = found.length > 1 && port === undefined ? undefined : shared
  if (chosen !== undefined) return chosen
  const asked = port === undefined ? 'several ports' : `no port ${quoteValue(port)}`
  const kind = port === undefined || protocol === undefined ? '' : ` of protocol ${protocol}`
  const near =
    port === undefined
      ? undefined
      : closestText(
          port,
          ports.map(({ name }) => name),
        )
  const suggestion = near === undefined ? '' : `; did you mean ${near}?`
  const exists = ports.map(each => `${each.port}/${each.protocol}${each.name === '' ? '' : ` (${each.name})`}`)
  throw new ProxyFailure('EXPLAIN_INVALID', `Service ${objectKey(service)} has ${asked}${kind}${suggestion}`, {
    hint: `Its ports: ${list(exists)}`,
    exists,
  })
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const rest = names.length - MAX_LISTED
  return names.slice(0, MAX_LISTED).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
