import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type IncomingHttpHeaders } from 'node:http'

/** How long a link can be opened, and a browser stays signed in. In milliseconds. */
const LINK_MS = 5 * 60_000
const SESSION_MS = 12 * 3_600_000
/** Links, and sessions of browsers, that are known at a time: the oldest one gives way. */
const MAX_KNOWN = 16
const SECRET_BYTES = 32

/**
 * Who may ask: who sends the token, or a browser that has opened a link. A link works once, so that it is worth nothing in the history of a
 * browser, where the token itself must never be.
 */
export class DashboardSessions {
  readonly #token: Buffer
  readonly #now: () => number
  /** When each ends, by the digest of its secret: the time of a comparison says nothing about a guess. */
  readonly #links = new Map<string, number>()
  readonly #sessions = new Map<string, number>()

  /** @param now milliseconds of a clock that is never set */
  constructor(token: string, now: () => number) {
    this.#token = digest(token)
    this.#now = now
  }

  /** Whether a request has the token. */
  hasToken({ authorization = '' }: IncomingHttpHeaders): boolean {
    const [, given] = /^bearer +(\S+) *$/i.exec(authorization) ?? []
    return given !== undefined && timingSafeEqual(digest(given), this.#token)
  }

  /** Whether a request has the token, or the cookie of a session. */
  mayAsk(headers: IncomingHttpHeaders): boolean {
    if (this.hasToken(headers)) return true
    const secret = cookieOf(headers)
    return secret !== undefined && isKnown(this.#sessions, secret, this.#now())
  }

  /** The secret of a new link. */
  createLink(): string {
    return add(this.#links, this.#now() + LINK_MS)
  }

  /**
   * Uses a link.
   * @returns the header that gives its session to the browser; undefined: the link is unknown, too old, or used
   */
  openLink(secret: string, headers: IncomingHttpHeaders): string | undefined {
    const isOpen = isKnown(this.#links, secret, this.#now())
    this.#links.delete(keyOf(secret))
    if (!isOpen) return undefined
    const session = add(this.#sessions, this.#now() + SESSION_MS)
    return `${cookieName(headers)}=${session}; Path=/; HttpOnly; SameSite=Strict`
  }
}

/** Cookies do not distinguish ports, and several nodes may be forwarded to ports of one machine. */
function cookieName({ host = '' }: IncomingHttpHeaders): string {
  return `kube-proxy-page-${/:(\d{1,5})$/.exec(host)?.[1] ?? '80'}`
}

function cookieOf(headers: IncomingHttpHeaders): string | undefined {
  const start = `${cookieName(headers)}=`
  const pair = (headers.cookie ?? '').split(';').find(each => each.trim().startsWith(start))
  return pair?.trim().slice(start.length)
}

function add(ends: Map<string, number>, end: number): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  ends.set(keyOf(secret), end)
  const [oldest] = ends.keys()
  if (ends.size > MAX_KNOWN) ends.delete(oldest!)
  return secret
}

function isKnown(ends: ReadonlyMap<string, number>, secret: string, now: number): boolean {
  return now < (ends.get(keyOf(secret)) ?? 0)
}

function keyOf(secret: string): string {
  return digest(secret).toString('base64')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
