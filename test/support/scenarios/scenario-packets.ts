import { type IpAddress, parseIp } from '../../../lib/model/address.js'

/** Who sends: somebody of a kind, or whoever has an address. */
export type Client = 'pod' | 'node' | 'outside' | IpAddress

/** The service port that serves, the endpoints that take turns, or `refused`, `dropped`, `untouched`. */
export type ExpectedOutcome = string | readonly string[]

/** A packet, the first of its connection, and what must become of it. */
export interface ExpectedPacket {
  /** As it is written: `10.96.0.10:80/TCP`. */
  readonly text: string
  readonly destination: IpAddress
  readonly port: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly client: Client
  readonly outcome: ExpectedOutcome
}

/** What really becomes of a packet. */
export interface PacketOutcome {
  readonly verdict: 'served' | 'refused' | 'dropped' | 'untouched'
  /** It came to the node itself, untouched, where nobody listens: the node refuses it by itself. */
  readonly isRefusedByNode?: boolean
  /** Of the listener that serves it, if one does. */
  readonly servicePort?: string
  /** Those that take turns, if it is served. */
  readonly endpoints?: readonly string[]
  /** Whether they see the node's address in the place of the client's; undefined: it is always so. */
  readonly isMasqueraded?: boolean
}

export const CLIENT_KINDS: readonly Client[] = ['pod', 'node', 'outside']
const VERDICTS = ['refused', 'dropped', 'untouched']

/** Reads `packets` of a step: each packet with one answer for every kind of client, or with an answer for each client. */
export function parsePackets(place: string, raw: Readonly<Record<string, unknown>>): ExpectedPacket[] {
  return Object.entries(raw).flatMap(([text, value]) => {
    const packet = parsePacket(place, text)
    if (!isOutcome(value) && (typeof value !== 'object' || value === null))
      throw new Error(`${place}, ${text}: no answer`)
    return Object.entries(isOutcome(value) ? forEveryClient(value) : value).map(([client, answer]) => {
      if (!CLIENT_KINDS.includes(client) && parseIp(client) !== client)
        throw new Error(`${place}, ${text}: "${client}" is none of ${CLIENT_KINDS.join(', ')}, and no address`)
      if (isOutcome(answer)) return { ...packet, client, outcome: answer }
      throw new Error(`${place}, ${text}, ${client}: neither ${VERDICTS.join(', ')} nor a service port nor endpoints`)
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

function forEveryClient(answer: ExpectedOutcome): Record<string, unknown> {
  return Object.fromEntries(CLIENT_KINDS.map(client => [client, answer]))
}

function isOutcome(value: unknown): value is ExpectedOutcome {
  if (typeof value === 'string') return VERDICTS.includes(value) || value.includes('/')
  return Array.isArray(value) && value.length > 0
}

/** As much of an answer as the expected one speaks of. */
export function comparableOutcome(expected: ExpectedOutcome, answer: PacketOutcome): ExpectedOutcome {
  const { verdict, servicePort, endpoints, isRefusedByNode = false } = answer
  if (expected === 'refused' && isRefusedByNode) return expected
  if (Array.isArray(expected)) return endpoints ?? verdict
  return expected.includes('/') ? (servicePort ?? verdict) : verdict
}
