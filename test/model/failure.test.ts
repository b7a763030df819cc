import t from 'tap'
import { ProxyFailure, messageOf, systemCode } from '../../lib/model/failure.js'

void t.test('a failure has its code, hint and cause, and its message includes the causes', t => {
  const system = Object.assign(new Error('listen EADDRINUSE: 10.0.0.1:80'), { code: 'EADDRINUSE' })
  const failure = new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'Cannot listen', { cause: system, hint: 'Free the port' })
  t.equal(failure.code, 'PROXY_PORT_UNAVAILABLE')
  t.equal(failure.hint, 'Free the port')
  t.equal(failure.name, 'ProxyFailure')
  t.equal(messageOf(failure), 'Cannot listen: listen EADDRINUSE: 10.0.0.1:80')
  t.equal(messageOf(new Error('outer', { cause: failure })), 'outer: Cannot listen: listen EADDRINUSE: 10.0.0.1:80')
  t.equal(
    messageOf(new Error('read: ENOENT', { cause: new Error('ENOENT') })),
    'read: ENOENT',
    'no message is repeated',
  )
  t.equal(messageOf('just text'), 'just text')
  t.equal(messageOf(undefined), 'undefined')
  t.equal(messageOf(new Error('')), 'Error', 'never nothing at all')
  t.equal(messageOf(new AggregateError([new Error('a'), new Error('b')], 'all failed')), 'a, b')
  t.equal(messageOf(new AggregateError([], 'all failed')), 'all failed')
  const round = new Error('round')
  round.cause = round
  t.equal(messageOf(round), 'round', 'an error that is its own cause')
  t.notOk('cause' in new ProxyFailure('CONFIG_INVALID', 'x'), 'no cause is no field')
  t.equal(systemCode(system), 'EADDRINUSE')
  t.equal(systemCode(Object.assign(new Error(), { code: 7 })), undefined)
  t.equal(systemCode('EADDRINUSE'), undefined)
  t.end()
})
