import { type HttpRequest, type HttpResponse, textResponse } from './http-port.js'

/** A page for people who look into a running component (KEP-4827, KEP-4828). */
export interface Zpage {
  /** `Statusz` or `Flagz`. */
  readonly kind: string
  /** The fields besides those of every object. */
  readonly fields: object
  /** The text below the heading, with a newline at the end. */
  readonly text: string
}

const COMPONENT = 'kube-proxy'
const GROUP = 'config.k8s.io'
const VERSION = 'v1alpha1'
const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.'

/** Answers in the format that the client accepts: as text, or as an object to a client that asks for the kind by its name. */
export function zpageResponse({ accept = '' }: Pick<HttpRequest, 'accept'>, page: Zpage): HttpResponse {
  const { kind, fields, text } = page
  const format = chooseFormat(accept, kind)
  if (format === undefined)
    return textResponse(
      406,
      `Not Acceptable: accepted are text/plain, and application/json;v=${VERSION};g=${GROUP};as=${kind}\n`,
    )
  if (format === 'text')
    return textResponse(200, `\n${COMPONENT} ${kind === 'Flagz' ? 'flags' : kind.toLowerCase()}\n${WARNING}\n\n${text}`)
  const object = { kind, apiVersion: `${GROUP}/${VERSION}`, metadata: { name: COMPONENT }, ...fields }
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(object)}\n` }
}

/** The first format of the header that exists; without a header, text. */
function chooseFormat(accept: string, kind: string): 'text' | 'object' | undefined {
  if (accept.trim() === '') return 'text'
  for (const range of accept.split(',')) {
    const [type, ...parameters] = range.split(';').map(part => part.trim())
    if (type === 'text/plain' || type === 'text/*' || type === '*/*') return 'text'
    const wanted = [`v=${VERSION}`, `g=${GROUP}`, `as=${kind}`]
    if (type === 'application/json' && wanted.every(parameter => parameters.includes(parameter))) return 'object'
  }
  return undefined
}
