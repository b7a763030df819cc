import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type FailureCode, ProxyFailure, systemCode } from '../model/failure.js'
import { socketPathProblem } from '../model/socket-path-problem.js'
import { quoteValue } from '../primitives/quote-value.js'
import { STATUS_API_VERSION, type StatusError } from './status-document.js'

/** The errors of a socket that does not exist, or that no process has open. */
const NO_PROXY: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED'])

/** A proxy that does not answer for so long hangs. In milliseconds. */
export const TIMEOUT_MS = 10_000

/** What every answer has. */
export interface AnyAnswer {
  readonly apiVersion: string
  readonly proxyVersion: string
  readonly kind: string
  readonly [field: string]: unknown
}

/**
 * Asks the proxy behind a status socket.
 * @param resource the last part of the path; empty: the overview
 * @param ownVersion version of this program
 * @param invalid code of the failure if the proxy knows no such thing
 * @throws ProxyFailure STATUS_UNAVAILABLE if no proxy with the same API answers there, and `invalid`
 */
export async function askProxy<Answer>(
  socketPath: string,
  resource: string,
  parameters: Readonly<Record<string, string>>,
  ownVersion: string,
  invalid: FailureCode = 'STATUS_INVALID',
): Promise<Answer> {
  const body = await get(socketPath, statusPath(resource, parameters))
  const answer = readAnswer(body, socketPath, ownVersion, invalid)
  if (isAbout(resource, answer)) return answer as Answer
  throw notStatusApi(socketPath)
}

/** The path of a question. @param resource the last part of it; empty: the overview */
export function statusPath(resource: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString()
  return `/${STATUS_API_VERSION}${resource === '' ? '' : `/${resource}`}${query === '' ? '' : `?${query}`}`
}

/** Reads an answer that is not an error. @throws ProxyFailure for an error, and for the answer of another API or program */
export function readAnswer(
  body: string,
  socketPath: string,
  ownVersion: string,
  invalid: FailureCode = 'STATUS_INVALID',
): AnyAnswer {
  const answer = parseAnswer(body, socketPath)
  if (answer.apiVersion !== STATUS_API_VERSION)
    throw new ProxyFailure(
      'STATUS_UNAVAILABLE',
      `The proxy at ${quoteValue(socketPath)} is version ${answer.proxyVersion} and has the status API ${answer.apiVersion}; this program is version ${ownVersion} and knows ${STATUS_API_VERSION}`,
      { hint: 'Ask with the kube-proxy program of the version that runs' },
    )
  if (answer.kind !== 'Error') return answer
  const { message, exists } = answer as unknown as StatusError
  if (typeof message !== 'string' || !isTexts(exists)) throw notStatusApi(socketPath)
  throw new ProxyFailure(invalid, message, exists.length === 0 ? {} : { hint: `There are: ${exists.join(', ')}` })
}

/** Whether a failure of `askProxy` means that no proxy is there. One that hangs, or has too many clients, is there. */
export function isWithoutProxy(error: unknown): error is ProxyFailure {
  if (!(error instanceof ProxyFailure) || error.code !== 'STATUS_UNAVAILABLE') return false
  return NO_PROXY.has(systemCode(error.cause))
}

async function get(socketPath: string, path: string): Promise<string> {
  requireSocketPath(socketPath)
  try {
    return await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, path, agent: false, timeout: TIMEOUT_MS }, response => {
        text(response).then(resolve, reject)
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
      sent.on('error', reject)
      sent.end()
    })
  } catch (cause) {
    throw noAnswer(socketPath, cause)
  }
}

/** Checks that a path can be that of a status socket. @throws ProxyFailure STATUS_UNAVAILABLE */
export function requireSocketPath(path: string): void {
  const problem = socketPathProblem(path)
  if (problem === undefined) return
  throw new ProxyFailure('STATUS_UNAVAILABLE', `${quoteValue(path)} cannot be a status socket: ${problem}`, {
    hint: 'Name the socket of the proxy with --status-socket',
  })
}

/** The failure of a question that got no answer. */
export function noAnswer(socketPath: string, cause: unknown): ProxyFailure {
  return new ProxyFailure('STATUS_UNAVAILABLE', `No proxy answers at the status socket ${quoteValue(socketPath)}`, {
    cause,
    hint: hintFor(systemCode(cause)),
  })
}

function hintFor(code: string | undefined): string {
  if (code === 'EACCES') return 'Only the user of the proxy may ask: run this as root'
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return 'The proxy has just ended, or has 16 clients, which are its most: try again'
  if (NO_PROXY.has(code))
    return 'Start kube-proxy, or name its socket with --status-socket; in a cluster: kubectl exec -n kube-system ds/kube-proxy -- kube-proxy status. A proxy that stands by for another one has no socket: ask the one that serves'
  return 'The proxy may be busy: try again. The log of the proxy may say more'
}

function parseAnswer(body: string, socketPath: string): AnyAnswer {
  try {
    const answer: unknown = JSON.parse(body)
    if (isAnswer(answer)) return answer
  } catch {
    // It is no JSON: another program.
  }
  throw notStatusApi(socketPath)
}

/** The failure of an answer that another program gives. */
export function notStatusApi(socketPath: string): ProxyFailure {
  return new ProxyFailure(
    'STATUS_UNAVAILABLE',
    `What answers at ${quoteValue(socketPath)} is not the status API of a kube-proxy`,
    { hint: 'Name the socket of the proxy with --status-socket' },
  )
}

function isAbout(resource: string, answer: AnyAnswer): boolean {
  if (resource === '') return answer.kind === 'Overview'
  if (resource === 'explain') return typeof answer['explanation'] === 'object' && answer['explanation'] !== null
  return Array.isArray(answer['items']) && isTexts(answer['notes'])
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}

function isAnswer(answer: unknown): answer is AnyAnswer {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    ['apiVersion', 'proxyVersion', 'kind'].every(name => typeof (answer as Record<string, unknown>)[name] === 'string')
  )
}
