import { ProxyFailure } from '../model/failure.js'
import { type AnsweringProxy, STATUS_API_VERSION } from './status-document.js'
import { StatusQueryError, unknownName } from './status-query-error.js'
import { readStatusQuery } from './status-query.js'
import { type StatusSources } from './status-sources.js'

/** The way of one packet, as the proxy explains it. */
export interface ExplanationDocument extends AnsweringProxy {
  readonly apiVersion: typeof STATUS_API_VERSION
  readonly kind: 'Explanation'
  /** As `kube-proxy explain -o json` prints it; it names its own version. */
  readonly explanation: object
  /** The modes that can be asked for. */
  readonly modes: readonly string[]
}

const PARAMETERS = ['from', 'to', 'namespace', 'mode']
/** Longer ones name nothing that can exist. */
const MAX_LENGTH = 1000

/** Where a packet goes now, or would go in another mode, and why. @throws StatusQueryError */
export async function answerExplain(sources: StatusSources, search: URLSearchParams): Promise<ExplanationDocument> {
  const { namespace = 'default' } = readStatusQuery(search, PARAMETERS)
  const [from, to] = [search.get('from') ?? '', search.get('to') ?? '']
  if (from === '' || to === '')
    throw new StatusQueryError(
      400,
      'A sender (from) and a destination (to) are needed, such as from=pod/10.244.0.2&to=10.96.0.10:80',
      PARAMETERS,
    )
  if (from.length + to.length + namespace.length > MAX_LENGTH)
    throw new StatusQueryError(400, `The question is longer than ${MAX_LENGTH} characters`)
  const mode = search.get('mode') ?? undefined
  if (mode !== undefined && !sources.modes.includes(mode)) throw unknownName('mode', mode, sources.modes)
  try {
    const explanation = await sources.explain({ from, to, namespace, mode })
    return { apiVersion: STATUS_API_VERSION, kind: 'Explanation', ...sources.proxy, explanation, modes: sources.modes }
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'EXPLAIN_INVALID') throw queryError(error)
    throw error
  }
}

function queryError({ message, hint, exists }: ProxyFailure): StatusQueryError {
  if (exists.length > 0) return new StatusQueryError(404, message, exists)
  const isQuestion = message.endsWith('?')
  return new StatusQueryError(400, hint === undefined ? message : `${message}${isQuestion ? '' : '.'} ${hint}`)
}
