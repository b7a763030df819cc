import t from 'tap'
import { gonePeerRule, isAbandoned } from '../../../lib/dataplane/tcp/gone-peer-rule.js'
import { type SocketState } from '../../../lib/dataplane/transport/tcp-transport.js'

const HALF_CLOSED = 3_600_000
const TIMEOUTS = { keepAliveIdle: 15_000, halfClosedTimeout: HALF_CLOSED }

/**
 * State, milliseconds since the socket is not polled, since the last byte; how the connection ends after a reset, and otherwise; the same
 * if the end of the other side's data was sent to the peer.
 */
type Row = readonly [SocketState, number, number, string | undefined, string | undefined, (string | undefined)?]

const ROWS: readonly Row[] = [
  // The event loop reports it.
  ['reading', 0, 0, undefined, undefined],
  ['reading', 100_000, 100_000, undefined, undefined],
  // Too soon for a keep-alive: the peer has sent a reset.
  ['ended', 0, 0, 'reset', 'reset'],
  ['ended', 7499, 7499, 'reset', 'reset'],
  // Perhaps a keep-alive has found that the peer has closed its socket.
  ['ended', 7500, 0, 'reset', 'close'],
  ['ended', 3_000_000, 3_000_000, 'reset', 'close'],
  // Bytes move: what the kernel still has of a peer that is gone arrives.
  ['held', 0, 0, undefined, undefined],
  ['held', 100_000, 999, undefined, undefined],
  ['held', 1000, 1000, 'reset', 'reset', undefined],
  ['held', 7499, 7499, 'reset', 'reset', undefined],
  // Bytes and an orderly end may still wait in the kernel, for a slow reader.
  ['held', 7500, 7500, 'reset', undefined],
  ['held', 3_599_999, 3_599_999, 'reset', undefined],
  ['held', 3_600_000, 3_600_000, 'reset', 'reset'],
]

t.test(
  'how a connection ends when a peer is gone follows from what the proxy did with its socket, and for how long',
  t => {
    for (const row of ROWS) {
      const [state, unpolledMs, quietMs, ifReset, ifPossiblyEnded] = row
      const ifFinished = row.length === 6 ? row[5] : ifPossiblyEnded
      for (const hasFinished of state === 'ended' ? [false] : [false, true]) {
        const rule = gonePeerRule(state, hasFinished, { unpolledMs, quietMs }, TIMEOUTS)
        const name = `${state}, not polled for ${unpolledMs} ms, quiet for ${quietMs} ms${hasFinished ? ', finished' : ''}`
        t.strictSame(
          [rule?.ifReset, rule?.ifPossiblyEnded],
          [ifReset, hasFinished ? ifFinished : ifPossiblyEnded],
          name,
        )
      }
    }
    t.end()
  },
)

t.test('a peer that is held back may be gone because it is silent only after keep-alives have begun', t => {
  for (const [unpolledMs, quietMs, hasFinished, silentMs] of [
    [7499, 7499, true, undefined],
    [7500, 7500, true, 24_000],
    [7500, 7500, false, 24_000],
  ] as const)
    t.equal(gonePeerRule('held', hasFinished, { unpolledMs, quietMs }, TIMEOUTS)?.silentMs, silentMs)
  t.end()
})

t.test('only a half-closed connection that is quiet for the timeout is abandoned', t => {
  for (const [client, endpoint, quietMs, expected] of [
    ['ended', 'reading', HALF_CLOSED, true],
    ['reading', 'ended', HALF_CLOSED, true],
    ['ended', 'held', HALF_CLOSED, true],
    ['ended', 'reading', HALF_CLOSED - 1, false],
    ['reading', 'reading', 2 * HALF_CLOSED, false],
    ['held', 'reading', 2 * HALF_CLOSED, false],
  ] as const) {
    const times = { unpolledMs: 2 * HALF_CLOSED, quietMs }
    t.equal(isAbandoned(client, endpoint, times, TIMEOUTS), expected, `${client}, ${endpoint}, ${quietMs} ms`)
  }
  t.end()
})
