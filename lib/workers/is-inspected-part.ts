import {
  type EndKind,
  HAPPENED,
  type InspectRequest,
  type InspectedAffinity,
  type InspectedConnection,
  type InspectedEndpoint,
  type InspectedHappening,
  type InspectedListener,
  type ListenerIdentity,
} from '../dataplane/inspect-request.js'
import {
  type FieldCheck,
  isBoolean,
  isCount,
  isObject,
  isPort,
  isText,
  isWhole,
  listOf,
  optional,
} from './field-check.js'

type ChecksOf<Row> = Readonly<Record<keyof Row, FieldCheck>>

/** Longer than anything lasts, in milliseconds: a hundred years. A time that is further away cannot be written as a date. */
const MAX_MS = 100 * 366 * 24 * 3600 * 1000

const ENDS: Readonly<Record<EndKind, true>> = {
  closed: true,
  'reset-by-client': true,
  'reset-by-endpoint': true,
  'ended-by-proxy': true,
  refused: true,
  'client-left': true,
  'flow-ended': true,
}

const IDENTITY: ChecksOf<ListenerIdentity> = {
  key: isText,
  namespace: isText,
  service: isText,
  portName: isText,
  protocol: value => value === 'TCP' || value === 'UDP',
}
const isIdentity = objectOf(IDENTITY)

const isListener = objectOf<InspectedListener>({
  listener: isIdentity,
  address: isText,
  port: isPort,
  holdsNodePort: isBoolean,
  isListening: isBoolean,
  active: isWhole,
})
const isEndpoint = objectOf<InspectedEndpoint>({
  listener: isIdentity,
  address: isText,
  open: isWhole,
  ejectedForMs: value => isWhole(value) && isTime(value),
  ejectedMsAgo: isTime,
  isNext: isBoolean,
})
function isEnd(value: unknown): boolean {
  return isText(value) && Object.hasOwn(ENDS, value)
}

const CONNECTION: ChecksOf<InspectedConnection> = {
  listener: isIdentity,
  id: isWhole,
  client: isText,
  clientPort: isPort,
  endpoint: isText,
  state: optional(value => value === 'dialling' || value === 'open'),
  openedMsAgo: isTime,
  endedMsAgo: optional(isTime),
  end: optional(isEnd),
  tries: isWhole,
  bytesToEndpoint: optional(isWhole),
  bytesToClient: optional(isWhole),
}
const isConnection = objectOf(CONNECTION)
const isEnded = objectOf<InspectedConnection>({ ...CONNECTION, endedMsAgo: isTime })
const isAffinity = objectOf<InspectedAffinity>({
  listener: isIdentity,
  client: isText,
  endpoint: isText,
  leftMs: isTime,
})
const isHappening = objectOf<InspectedHappening>({
  listener: isIdentity,
  what: value => HAPPENED.some(what => what === value),
  sequence: isWhole,
  msAgo: isTime,
  id: isWhole,
  client: isText,
  clientPort: isPort,
  endpoint: isText,
  next: isText,
  why: isText,
  tries: isWhole,
  end: optional(isEnd),
  forMs: optional(isWhole),
  openedMsAgo: optional(isTime),
  bytesToEndpoint: optional(isWhole),
  bytesToClient: optional(isWhole),
})

const ROW_CHECKS: Readonly<Record<InspectRequest['what'], FieldCheck>> = {
  listeners: isListener,
  endpoints: isEndpoint,
  connections: isConnection,
  ended: isEnded,
  affinity: isAffinity,
  happenings: isHappening,
}

/** Whether a value is an `InspectedPart`: numbers become dates in an answer, which is impossible for some. */
export function isInspectedPart(value: unknown): boolean {
  if (!isObject(value)) return false
  const { what, rows } = value
  return isText(what) && Object.hasOwn(ROW_CHECKS, what) && listOf(ROW_CHECKS[what as InspectRequest['what']])(rows)
}

function objectOf<Row>(checks: ChecksOf<Row>): FieldCheck {
  const entries = Object.entries<FieldCheck>(checks)
  return value => isObject(value) && entries.every(([name, check]) => check(value[name]))
}

function isTime(value: unknown): boolean {
  return isCount(value) && value <= MAX_MS
}
