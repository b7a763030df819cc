import { type Budgets, type SharedBudgetCounts, zeroTrafficCounts } from '../dataplane/data-plane.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type WorkerMessage } from './worker-messages.js'

type Fields = Readonly<Record<string, unknown>>
type Check = (value: unknown) => boolean
type Kind = WorkerMessage['kind']

const TRAFFIC_FIELDS = Object.keys(zeroTrafficCounts())
const BUDGET_FIELDS: readonly (keyof SharedBudgetCounts)[] = ['used', 'waited', 'shed']
const MEMORY_FIELDS: readonly (keyof Budgets['memory'])[] = ['heldBack', 'unanswered', 'sendQueue', 'affinity']
const MAX_PORT = 65_535

/** What the fields of a message have to be, by its kind. */
const CHECKS: ReadonlyMap<unknown, Readonly<Record<string, Check>>> = new Map<Kind, Readonly<Record<string, Check>>>([
  ['ready', {}],
  ['pong', {}],
  ['report', { generation: isCount, opened: listOf(isOpened), failed: listOf(isListenFailure) }],
  ['counts', { id: isCount, traffic: listOf(isTraffic), budgets: isBudgets, isLast: isBoolean }],
  ['profile', { id: isCount, profile: isProfile }],
  ['shortage', { shortage: isShortage }],
  ['drained', { cutOff: isCount }],
])

/**
 * Checks a message of a worker. The worker has read what clients sent, and the control process writes rules by its reports: it must not
 * believe a worker whose memory is damaged.
 * @throws ProxyFailure if it is no message of a worker
 */
export function parseWorkerMessage(value: unknown): WorkerMessage {
  const fields = isObject(value) ? value : {}
  const checks = CHECKS.get(fields['kind'])
  if (checks === undefined) throw wrongMessage(`of an unknown kind: ${quoteValue(fields['kind'])}`)
  for (const [name, check] of Object.entries(checks))
    if (!check(fields[name])) throw wrongMessage(`of the kind ${quoteValue(fields['kind'])}: its ${name} is wrong`)
  return value as WorkerMessage
}

function wrongMessage(what: string): ProxyFailure {
  return new ProxyFailure('WORKER_FAILED', `A data-plane worker sent a message ${what}`)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0
}

function listOf(check: Check): Check {
  // Unlike `every`, this looks at the holes of a list, too.
  return value => Array.isArray(value) && Array.from<unknown>(value).every(check)
}

function isOpened(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const [key, port] = value as readonly unknown[]
  return isText(key) && Number.isInteger(port) && (port as number) >= 1 && (port as number) <= MAX_PORT
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
