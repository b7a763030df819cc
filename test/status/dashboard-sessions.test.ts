import t from 'tap'
import { DashboardSessions } from '../../lib/status/dashboard/dashboard-sessions.js'

const HOST = { host: 'localhost:10247' }
const [ADDRESS, OTHER_ADDRESS] = ['192.0.2.1', '192.0.2.2']
const MINUTE = 60_000
const HOUR = 60 * MINUTE

function sessions() {
  const time = { now: 0 }
  return { time, known: new DashboardSessions('0123456789abcdef', () => time.now) }
}

/** The secret of a new link. */
function link(known: DashboardSessions, options?: { lasts: boolean }): string {
  return /^\/enter\?secret=(\S+)$/.exec(known.createLink(options))![1]!
}

function cookieOf(header: string | undefined): { readonly host: string; readonly cookie: string } {
  return { ...HOST, cookie: header?.split(';')[0] ?? '' }
}

t.test('a link can be opened for five minutes, once', t => {
  const { time, known } = sessions()
  const [first, second] = [link(known), link(known)]
  t.not(first, second)
  time.now = 5 * MINUTE - 1
  t.type(known.openLink(first, HOST, ADDRESS), 'string')
  t.equal(known.openLink(first, HOST, ADDRESS), undefined)
  time.now = 5 * MINUTE
  t.equal(known.openLink(second, HOST, ADDRESS), undefined)
  t.end()
})

t.test('a browser stays signed in for twelve hours, at its port and address only', t => {
  const { time, known } = sessions()
  const headers = cookieOf(known.openLink(link(known), HOST, ADDRESS))
  t.equal(known.mayAskUntil(headers, ADDRESS), 12 * HOUR)
  t.equal(
    known.mayAskUntil(headers, OTHER_ADDRESS),
    undefined,
    'a server at another port cannot use the cookie it gets',
  )
  t.equal(known.mayAskUntil(headers, undefined), undefined)
  t.equal(known.mayAskUntil({ ...headers, host: 'localhost:8080' }, ADDRESS), undefined)
  t.equal(known.mayAskUntil({ ...HOST, authorization: 'Bearer 0123456789abcdef' }, OTHER_ADDRESS), Infinity)
  t.equal(known.hasToken(headers), false)
  time.now = 12 * HOUR - 1
  t.equal(known.mayAskUntil(headers, ADDRESS), 12 * HOUR)
  time.now = 12 * HOUR
  t.equal(known.mayAskUntil(headers, ADDRESS), undefined)
  t.end()
})

t.test('the oldest of many links and sessions gives way', t => {
  const { known } = sessions()
  const links = Array.from({ length: 17 }, () => link(known))
  t.equal(known.openLink(links[0]!, HOST, ADDRESS), undefined)
  t.type(known.openLink(links[1]!, HOST, ADDRESS), 'string')
  const browsers = Array.from({ length: 17 }, () => cookieOf(known.openLink(link(known), HOST, ADDRESS)))
  t.equal(known.mayAskUntil(browsers[0]!, ADDRESS), undefined)
  t.equal(known.mayAskUntil(browsers[1]!, ADDRESS), 12 * HOUR)
  t.equal(known.mayAskUntil(browsers[16]!, ADDRESS), 12 * HOUR)
  t.end()
})

t.test('a lasting link signs in one browser after the other, at any time', t => {
  const { time, known } = sessions()
  const lasting = link(known, { lasts: true })
  const first = cookieOf(known.openLink(lasting, HOST, ADDRESS))
  time.now = 1000 * HOUR
  const second = cookieOf(known.openLink(lasting, HOST, OTHER_ADDRESS))
  t.not(first.cookie, second.cookie)
  t.equal(known.mayAskUntil(first, ADDRESS), undefined, 'a session has its end, as every one')
  t.equal(known.mayAskUntil(second, OTHER_ADDRESS), 1012 * HOUR)
  t.end()
})

t.test('without a token, only a link signs in', t => {
  const known = new DashboardSessions(undefined, () => 0)
  for (const authorization of ['Bearer undefined', 'Bearer ', 'Bearer x', ''])
    t.equal(known.mayAskUntil({ ...HOST, authorization }, ADDRESS), undefined, authorization)
  t.equal(known.mayAskUntil(cookieOf(known.openLink(link(known), HOST, ADDRESS)), ADDRESS), 12 * HOUR)
  t.end()
})
