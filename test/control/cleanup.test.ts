import t from 'tap'
import { type CleanupResult, cleanupFailure, logCleanup } from '../../lib/control/cleanup.js'
import { ProxyFailure } from '../../lib/model/failure.js'
import { RecordingLog } from '../support/log/recording-log.js'

const NFT: CleanupResult['target'] = { family: 'IPv4', backEnd: 'nft' }
const LOCKED = new ProxyFailure('IPTABLES_LOCKED', 'locked', { hint: 'Try again' })
const OTHER = new ProxyFailure('IPTABLES_RESTORE_FAILED', 'refused')

const results = (...outcomes: CleanupResult['outcome'][]): CleanupResult[] =>
  outcomes.map(outcome => ({ target: NFT, outcome }))

t.test('a cleanup succeeds if nothing is left, also where a back end is missing', t => {
  t.equal(cleanupFailure(results('removed', 'nothing there')), undefined)
  t.equal(cleanupFailure(results('not on this machine', 'nothing there')), undefined)
  t.equal(cleanupFailure(results('not in this kernel', 'not on this machine')), undefined)
  t.end()
})

t.test('a cleanup that left something fails with every reason and the first advice', t => {
  const failure = cleanupFailure(results('removed', LOCKED, OTHER))
  t.match(failure, { code: 'CLEANUP_INCOMPLETE', hint: 'Try again', cause: LOCKED })
  t.match(failure?.message, 'locked; refused')
  t.end()
})

t.test('a machine without iptables is an error: nothing could be searched', t => {
  const ofMode: CleanupResult = { target: { mode: 'ipvs' }, outcome: 'nothing there' }
  for (const all of [results('not on this machine'), [...results('not on this machine'), ofMode]])
    t.match(cleanupFailure(all), { code: 'PROGRAM_MISSING' })
  t.end()
})

t.test('each result is a log line with its target, and one line at -v=2 names what is not there', t => {
  const log = new RecordingLog()
  logCleanup(
    [
      ...results('not in this kernel', 'removed', LOCKED),
      { target: { mode: 'ipvs' }, outcome: 'nothing there' },
      ...results('not on this machine'),
    ],
    log,
  )
  t.strictSame(
    log.entries.map(({ fields }) => fields),
    [
      { ...NFT, outcome: 'removed' },
      { ...NFT, outcome: 'failed' },
      { mode: 'ipvs', outcome: 'nothing there' },
      { backEnds: 'IPv4 nft (not in this kernel), IPv4 nft (not on this machine)' },
    ],
  )
  t.end()
})
