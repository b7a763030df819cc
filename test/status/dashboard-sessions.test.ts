import t from 'tap'
import { DashboardSessions } from '../../lib/status/dashboard/dashboard-sessions.js'

const HOST = { host: 'localhost:10247' }
const MINUTE = 60_000
const HOUR = 60 * MINUTE

function sessions() {
  const time = { now: 0 }
  return { time, known: new DashboardSessions('0123456789abcdef', () => time.now) }
}

function cookieOf(header: string | undefined): { readonly host: string; readonly cookie: string } {
  return { ...HOST, cookie: header?.split(';')[0] ?? '' }
}

t.test('a link can be opened for five minutes, once', t => {
  const { time, known } = sessions()
  const [first, second] = [known.createLink(), known.createLink()]
  t.not(first, second)
  time.now = 5 * MINUTE - 1
  t.type(known.openLink(first, HOST), 'string')
  t.equal(known.openLink(first, HOST), undefined)
  time.now = 5 * MINUTE
  t.equal(known.openLink(second, HOST), undefined)
  t.end()
})

t.test('a browser stays signed in for twelve hours, at its port only', t => {
  const { time, known } = sessions()
  const headers = cookieOf(known.openLink(known.createLink(), HOST))
  t.equal(known.mayAsk(headers), true)
  t.equal(known.mayAsk({ ...headers, host: 'localhost:8080' }), false)
  t.equal(known.hasToken(headers), false)
  time.now = 12 * HOUR - 1
  t.equal(known.mayAsk(headers), true)
  time.now = 12 * HOUR
  t.equal(known.mayAsk(headers), false)
  t.end()
})

t.test('the oldest of many links and sessions gives way', t => {
  const { known } = sessions()
  const links = Array.from({ length: 17 }, () => known.createLink())
  t.equal(known.openLink(links[0]!, HOST), undefined)
  t.type(known.openLink(links[1]!, HOST), 'string')
  const browsers = Array.from({ length: 17 }, () => cookieOf(known.openLink(known.createLink(), HOST)))
  t.equal(known.mayAsk(browsers[0]!), false)
  t.equal(known.mayAsk(browsers[1]!), true)
  t.equal(known.mayAsk(browsers[16]!), true)
  t.end()
})
