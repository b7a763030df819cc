import { type Budgets, type SharedBudgetCounts, zeroTrafficCounts } from '../dataplane/data-plane.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type FieldCheck, type Fields, isBoolean, isCount, isObject, isPort, isText, listOf } from './field-check.js'
import { isInspectedPart } from './is-inspected-part.js'
import { type WorkerMessage } from './worker-messages.js'

type Kind = WorkerMessage['kind']
/** One check for each field of each kind: the compiler finds what is missing. */
type Checks = {
  readonly [K in Kind]: Readonly<
    Record<Exclude<keyof Extract<WorkerMessage, { readonly kind: K }>, 'kind'>, FieldCheck>
  >
}

const TRAFFIC_FIELDS = Object.keys(zeroTrafficCounts())
const BUDGET_FIELDS: readonly (keyof SharedBudgetCounts)[] = ['used', 'waited', 'shed']
const MEMORY_FIELDS: readonly (keyof Budgets['memory'])[] = ['heldBack', 'unanswered', 'sendQueue', 'affinity']

/** What the fields of a message have to be, by its kind. */
const CHECKS: Checks = {
  ready: {},
  pong: {},
  report: { generation: isCount, opened: listOf(isOpened), failed: listOf(isListenFailure) },
  counts: { id: isCount, traffic: listOf(isTraffic), budgets: isBudgets, isLast: isBoolean },
  inspected: { id: isCount, answer: isInspectedPart, isLast: isBoolean },
  profile: { id: isCount, profile: isProfile },
  shortage: { shortage: isShortage },
  drained: { cutOff: isCount },
}

/**
 * Checks a message of a worker. The worker has read what clients sent, and the control process writes rules by its reports: it must not
 * believe a worker whose memory is damaged.
 * @throws ProxyFailure if it is no message of a worker
 */
export function parseWorkerMessage(value: unknown): WorkerMessage {
  const fields = isObject(value) ? value : {}
  const { kind } = fields
  if (!isKind(kind)) throw wrongMessage(`of an unknown kind: ${quoteValue(kind)}`)
  for (const [name, check] of Object.entries<FieldCheck>(CHECKS[kind]))
    if (!check(fields[name])) throw wrongMessage(`of the kind ${quoteValue(kind)}: its ${name} is wrong`)
  return value as WorkerMessage
}

function wrongMessage(what: string): ProxyFailure {
  return new ProxyFailure('WORKER_FAILED', `A data-plane worker sent a message ${what}`)
}

function isKind(value: unknown): value is Kind {
  return isText(value) && Object.hasOwn(CHECKS, value)
}

function isOpened(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const [key, port] = value as readonly unknown[]
  return isText(key) && isPort(port) && port > 0
}

function isListenFailure(value: unknown): boolean {
  if (!isObject(value)) return false
  const { key, message, systemCode } = value
  return isText(key) && isText(message) && (systemCode === undefined || isText(systemCode))
}

function isTraffic(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const [key, counts] = value as readonly unknown[]
  return isText(key) && hasCounts(counts, TRAFFIC_FIELDS)
}

function hasCounts(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every(name => isCount(value[name]))
}

function isBudgets(value: unknown): boolean {
  if (!isObject(value)) return false
  const { descriptors, flows, dials, memory } = value
  if (!isObject(memory) || !isBudget(dials)) return false
  return [descriptors, flows, ...MEMORY_FIELDS.map(name => memory[name])].every(
    counts => isBudget(counts) && isCount(counts['evicted']),
  )
}

/** A limit may be infinite. */
function isBudget(value: unknown): value is Fields {
  return isObject(value) && hasCounts(value, BUDGET_FIELDS) && (isCount(value['limit']) || value['limit'] === Infinity)
}

/** What it contains is for a person who debugs, and nothing else uses it. */
function isProfile(value: unknown): boolean {
  if (!isObject(value)) return false
  return (
    (value['kind'] === 'cpu' && isObject(value['profile'])) || (value['kind'] === 'heap' && isObject(value['head']))
  )
}

function isShortage(value: unknown): boolean {
  if (!isObject(value)) return false
  const { name, service, hint } = value
  const isNamed = (name === 'descriptors' || name === 'memory') && (service === undefined || isText(service))
  return isNamed && isText(hint) && hasCounts(value, ['used', 'limit', 'waited', 'rejected', 'ended'])
}
