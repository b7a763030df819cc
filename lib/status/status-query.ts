import { closestText } from '../primitives/closest-text.js'
import { parseInteger } from '../primitives/parse-integer.js'
import { quoteValue } from '../primitives/quote-value.js'
import { StatusQueryError, unknownName } from './status-query-error.js'

/** Which things a request asks for. */
export interface StatusQuery {
  /** Undefined: those of all namespaces. */
  readonly namespace: string | undefined
  /** Name of a Service, without namespace; undefined: those of all Services. */
  readonly service: string | undefined
  /** The most things of the answer. */
  readonly limit: number
}

/** What a filter looks at. */
export interface Named {
  readonly namespace: string
  readonly name: string
}

/** Items of an answer if the request does not say how many, and at most. */
const DEFAULT_LIMIT = 10_000
const MAX_LIMIT = 100_000
const PARAMETERS = ['namespace', 'service', 'limit']

/**
 * Reads the parameters of a request.
 * @param parameters those that the path takes
 * @throws StatusQueryError
 */
export function readStatusQuery(search: URLSearchParams, parameters: readonly string[] = PARAMETERS): StatusQuery {
  for (const name of search.keys()) {
    if (parameters.includes(name)) continue
    const near = closestText(name, parameters)
    const suggestion = near === undefined ? '' : `; did you mean ${near}?`
    throw new StatusQueryError(400, `Unknown parameter ${quoteValue(name)}${suggestion}`, parameters)
  }
  const text = search.get('limit')
  const limit = text === null ? DEFAULT_LIMIT : parseInteger(text)
  if (limit === undefined || limit < 1 || limit > MAX_LIMIT)
    throw new StatusQueryError(400, `limit=${quoteValue(text ?? '')}: expected a number from 1 to ${MAX_LIMIT}`)
  return { namespace: search.get('namespace') ?? undefined, service: search.get('service') ?? undefined, limit }
}

/** Whether something of this Service is asked for. */
export function isAskedFor({ namespace, service }: StatusQuery, named: Named): boolean {
  return (namespace ?? named.namespace) === named.namespace && (service ?? named.name) === named.name
}

/**
 * Checks that what a request names exists.
 * @param needsSome whether a namespace without Services is a mistake. For a list it is none: the proxy does not know which namespaces exist
 * @returns what a reader should know about it
 * @throws StatusQueryError that lists the names that do exist
 */
export function requireNamed(
  { namespace, service }: StatusQuery,
  existing: readonly Named[],
  needsSome = false,
): string[] {
  if (existing.length === 0) return ['The proxy serves no Service: there is none, or it has not read the objects yet']
  const inNamespace = existing.filter(named => (namespace ?? named.namespace) === named.namespace)
  if (namespace !== undefined && inNamespace.length === 0) {
    const unknown = unknownName('Service in namespace', namespace, [...new Set(existing.map(each => each.namespace))])
    if (service !== undefined || needsSome) throw unknown
    return [unknown.message]
  }
  if (service === undefined || inNamespace.some(({ name }) => name === service)) return []
  const where = namespace === undefined ? '' : ` in namespace ${quoteValue(namespace)}`
  throw unknownName('Service', service, [...new Set(inNamespace.map(({ name }) => name))], where)
}
