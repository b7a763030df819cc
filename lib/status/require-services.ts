import { type StatusQuery, requireNamed } from './status-query.js'
import { type StatusSources } from './status-sources.js'

/**
 * Checks that what a request names is served.
 * @param needsSome whether a namespace without Services is a mistake
 * @returns what a reader should know about it
 * @throws StatusQueryError
 */
export function requireServices(
  sources: Pick<StatusSources, 'snapshot'>,
  query: StatusQuery,
  needsSome = false,
): string[] {
  return requireNamed(
    query,
    Array.from(sources.snapshot().ports.values(), ({ servicePort }) => servicePort),
    needsSome,
  )
}
