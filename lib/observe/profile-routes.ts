import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { messageOf } from '../model/failure.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type HttpRequest, type HttpResponse, type HttpRoute, textResponse } from './http-port.js'

/** Makes profiles of the processes of the proxy. */
export interface ProfileSource {
  /** The numbers of the data-plane workers. */
  readonly workers: readonly number[]
  /**
   * Makes a profile.
   * @param worker undefined: of the control process
   * @param abandoned aborted when the profile is not wanted any longer
   */
  take(worker: number | undefined, request: ProfileRequest, abandoned: AbortSignal): Promise<RawProfile>
}

const PREFIX = '/debug/pprof'
/** The time of a profile of the CPU, in seconds: by default as in Go, and at most. */
const DEFAULT_SECONDS = 30
const MAX_SECONDS = 120
const compress = promisify(gzip)

/** The paths for profiles below `/debug/pprof/`, in the form of Go's package net/http/pprof. One profile at a time is made. */
export function profileRoutes(source: ProfileSource): ReadonlyMap<string, HttpRoute> {
  let isBusy = false
  const route = (readRequest: (query: URLSearchParams) => ProfileRequest | undefined): HttpRoute => {
    return async request => {
      const profileRequest = readRequest(request.query)
      const worker = readWorker(request.query, source)
      if (profileRequest === undefined)
        return textResponse(400, `seconds: expected a whole number from 1 to ${MAX_SECONDS}\n`)
      if (worker === 'unknown')
        return textResponse(404, `worker: expected one of [${source.workers.join(', ')}], or none\n`)
      if (isBusy) return textResponse(503, 'Another profile is being made; try again when it is finished\n')
      isBusy = true
      try {
        return await profileResponse(source, worker, profileRequest, request)
      } catch (error) {
        return textResponse(500, `Cannot make the profile: ${messageOf(error)}\n`)
      } finally {
        isBusy = false
      }
    }
  }
  return new Map<string, HttpRoute>([
    [`${PREFIX}/`, () => ({ status: 200, contentType: 'text/html; charset=utf-8', body: index(source) })],
    [`${PREFIX}/heap`, route(() => ({ kind: 'heap' }))],
    [
      `${PREFIX}/profile`,
      route(query => {
        const seconds = readSeconds(query)
        return seconds === undefined ? undefined : { kind: 'cpu', durationMs: seconds * 1000 }
      }),
    ],
  ])
}

async function profileResponse(
  source: ProfileSource,
  worker: number | undefined,
  request: ProfileRequest,
  { abandoned }: HttpRequest,
): Promise<HttpResponse> {
  const raw = await source.take(worker, request, abandoned)
  // Loaded only for a request: most proxies never get one.
  const { pprofProfile } = await import('./pprof-profile.js')
  const body = await compress(pprofProfile(raw, Date.now()))
  const name = request.kind === 'cpu' ? 'profile' : 'heap'
  return {
    status: 200,
    contentType: 'application/octet-stream',
    headers: { 'Content-Disposition': `attachment; filename="${name}"` },
    body,
  }
}

/** As Go reads these parameters: a number that begins with 0 is not octal. */
function parseDecimal(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function readSeconds(query: URLSearchParams): number | undefined {
  const seconds = query.has('seconds') ? parseDecimal(query.get('seconds')!) : DEFAULT_SECONDS
  return seconds !== undefined && seconds >= 1 && seconds <= MAX_SECONDS ? seconds : undefined
}

function readWorker(query: URLSearchParams, { workers }: ProfileSource): number | 'unknown' | undefined {
  if (!query.has('worker')) return undefined
  const worker = parseDecimal(query.get('worker')!)
  return worker !== undefined && workers.includes(worker) ? worker : 'unknown'
}

function index({ workers }: ProfileSource): string {
  const processes = [
    { title: 'Control process', query: [] as string[] },
    ...workers.map(worker => ({ title: `Data-plane worker ${worker}`, query: [`worker=${worker}`] })),
  ]
  const link = (path: string, query: readonly string[], text: string): string =>
    `<a href="${path}${query.length === 0 ? '' : `?${query.join('&amp;')}`}">${text}</a>`
  const rows = processes.map(
    ({ title, query }) =>
      `<p>${title}: ${link('heap', query, 'heap')}, ${link('profile', ['seconds=30', ...query], 'CPU during 30 seconds')}</p>`,
  )
  return `<!doctype html>\n<title>${PREFIX}/</title>\n<h1>Profiles</h1>\n${rows.join('\n')}\n`
}
