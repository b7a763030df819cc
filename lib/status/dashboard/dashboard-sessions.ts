import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type IncomingHttpHeaders } from 'node:http'

/** How long a link can be opened, and a browser stays signed in. In milliseconds. */
const LINK_MS = 5 * 60_000
const SESSION_MS = 12 * 3_600_000
/** Links, and sessions of browsers, that are known at a time: the oldest one gives way. */
const MAX_KNOWN = 16
const SECRET_BYTES = 32

/** Where a link leads. */
export const ENTER = '/enter'

interface Known {
  /** A time of the clock. */
  readonly end: number
  /** Whether a link works again and again. */
  readonly lasts?: boolean
  /** Of the only host that may use it; undefined: each may. */
  readonly address?: string | undefined
}

/**
 * Who may ask: who sends the token, or a browser that has opened a link. A link works once, so that it is worth nothing in the history of a
 * browser, where the token itself must never be. A lasting link is for a program that ends soon, and whose terminal shows it.
 */
export class DashboardSessions {
  readonly #token: Buffer | undefined
  readonly #now: () => number
  /** By the digests of their secrets: the time of a comparison says nothing about a guess. */
  readonly #links = new Map<string, Known>()
  readonly #sessions = new Map<string, Known>()

  /** @param token undefined: only links sign in @param now milliseconds of a clock that is never set */
  constructor(token: string | undefined, now: () => number) {
    this.#token = token === undefined ? undefined : digest(token)
    this.#now = now
  }

  /** Whether a request has the token. */
  hasToken({ authorization = '' }: IncomingHttpHeaders): boolean {
    const [, given] = /^bearer +(\S+) *$/i.exec(authorization) ?? []
    return given !== undefined && this.#token !== undefined && timingSafeEqual(digest(given), this.#token)
  }

  /**
   * Until when the client of a request may ask: it has the token, or the cookie of a session that its host has opened. Browsers send a cookie
   * to servers at other ports of the same address too; what those get is worth nothing at their host.
   * @param address of the client
   * @returns a time of the clock; undefined: it may not
   */
  mayAskUntil(headers: IncomingHttpHeaders, address: string | undefined): number | undefined {
    if (this.hasToken(headers)) return Infinity
    const session = this.#sessions.get(keyOf(cookieOf(headers) ?? ''))
    return session !== undefined && session.address === address && this.#now() < session.end ? session.end : undefined
  }

  /** The path of a new link. @param lasts it works again and again, until this process ends */
  createLink({ lasts = false } = {}): string {
    return `${ENTER}?secret=${add(this.#links, { end: lasts ? Infinity : this.#now() + LINK_MS, lasts })}`
  }

  /**
   * Uses a link.
   * @param secret of its query
   * @param address of the client
   * @returns the header that gives its session to the browser; undefined: the link is unknown, too old, or used
   */
  openLink(secret: string, headers: IncomingHttpHeaders, address: string | undefined): string | undefined {
    const link = this.#links.get(keyOf(secret))
    if (link?.lasts !== true) this.#links.delete(keyOf(secret))
    if (link === undefined || this.#now() >= link.end) return undefined
    const session = add(this.#sessions, { end: this.#now() + SESSION_MS, address })
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

function add(all: Map<string, Known>, known: Known): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  all.set(keyOf(secret), known)
  const [oldest] = all.keys()
  if (all.size > MAX_KNOWN) all.delete(oldest!)
  return secret
}

function keyOf(secret: string): string {
  return digest(secret).toString('base64')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
