import { type IpAddress, parseIp } from '../../../lib/model/address.js'

/** The sender of a packet: a kind of client, or a client with this address. */
export type Client = 'pod' | 'node' | 'outside' | IpAddress

/** The service port that serves the packet, the endpoints that take turns, or `refused`, `dropped`, `untouched`. */
export type ExpectedOutcome = string | readonly string[]

/** The first packet of a connection and its expected outcome. */
export interface ExpectedPacket {
  /** The text in the scenario: `10.96.0.10:80/TCP`. */
  readonly text: string
  readonly destination: IpAddress
  readonly port: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly client: Client
  readonly outcome: ExpectedOutcome
}

/** The actual outcome of a packet. */
export interface PacketOutcome {
  readonly verdict: 'served' | 'refused' | 'dropped' | 'untouched'
  /** The packet reached the node untouched and no socket listens there, so the node refuses it. */
  readonly isRefusedByNode?: boolean
  /** The service port that serves it, if one does. */
  readonly servicePort?: string
  /** The endpoints that take turns, if it is served. */
  readonly endpoints?: readonly string[]
  /** Whether the endpoints see the node's address as source; undefined: always. */
  readonly isMasqueraded?: boolean
}

export const CLIENT_KINDS: readonly Client[] = ['pod', 'node', 'outside']
const VERDICTS = ['refused', 'dropped', 'untouched']

/** Reads `packets` of a step: each packet with one outcome for all kinds of clients, or with an outcome per client. */
export function parsePackets(place: string, raw: Readonly<Record<string, unknown>>): ExpectedPacket[] {
  return Object.entries(raw).flatMap(([text, value]) => {
    const packet = parsePacket(place, text)
    if (!isOutcome(value) && (typeof value !== 'object' || value === null))
      throw new Error(`${place}, ${text}: expected an outcome`)
    return Object.entries(isOutcome(value) ? forEveryClient(value) : value).map(([client, outcome]) => {
      if (!CLIENT_KINDS.includes(client) && parseIp(client) !== client)
        throw new Error(`${place}, ${text}: "${client}" is none of ${CLIENT_KINDS.join(', ')}, and not an IP address`)
      if (isOutcome(outcome)) return { ...packet, client, outcome }
      throw new Error(`${place}, ${text}, ${client}: expected ${VERDICTS.join(', ')}, a service port or endpoints`)
    })
  })
}

/** Reads `10.96.0.10:80/TCP`. */
export function parsePacket(place: string, text: string): Omit<ExpectedPacket, 'client' | 'outcome'> {
  const match = /^\[?([\d.]+|[\da-f:]+)\]?:(\d+)\/(TCP|UDP|SCTP)$/.exec(text)
  if (match === null) throw new Error(`${place}: "${text}" is not written as 10.96.0.10:80/TCP`)
  const [, destination, port, protocol] = match
  return { text, destination: destination!, port: Number(port), protocol: protocol as 'TCP' }
}

function forEveryClient(outcome: ExpectedOutcome): Record<string, unknown> {
  return Object.fromEntries(CLIENT_KINDS.map(client => [client, outcome]))
}

function isOutcome(value: unknown): value is ExpectedOutcome {
  if (typeof value === 'string') return VERDICTS.includes(value) || value.includes('/')
  return Array.isArray(value) && value.length > 0
}

/** The part of an outcome that can be compared with the expected one. */
export function comparableOutcome(expected: ExpectedOutcome, actual: PacketOutcome): ExpectedOutcome {
  const { verdict, servicePort, endpoints, isRefusedByNode = false } = actual
  if (expected === 'refused' && isRefusedByNode) return expected
  if (Array.isArray(expected)) return endpoints ?? verdict
  return expected.includes('/') ? (servicePort ?? verdict) : verdict
}
