import t from 'tap'
import { combineSyncObservers } from '../../lib/observe/sync-observer.js'

t.test('each observer gets the calls for which it has a method, in order and with all arguments', t => {
  const calls: unknown[][] = []
  const observer = combineSyncObservers(
    {
      queued: (...args) => calls.push(['a queued', ...args]),
      restoreFailed: (...args) => calls.push(['a failed', ...args]),
    },
    {
      queued: (...args) => calls.push(['b queued', ...args]),
      changed: (...args) => calls.push(['b changed', ...args]),
      synced: (...args) => calls.push(['b synced', ...args]),
      rulesWritten: (...args) => calls.push(['b written', ...args]),
      refused: (...args) => calls.push(['b refused', ...args]),
    },
  )
  observer.queued('IPv4', 1)
  observer.changed(2, 3)
  observer.synced('IPv6', 4, 5, [6], 'full')
  observer.rulesWritten('IPv4', [{ table: 'nat', owned: 7, written: 8 }])
  observer.refused('IPv4', { rule: 9 })
  observer.restoreFailed('IPv6', 'partial')
  t.strictSame(calls, [
    ['a queued', 'IPv4', 1],
    ['b queued', 'IPv4', 1],
    ['b changed', 2, 3],
    ['b synced', 'IPv6', 4, 5, [6], 'full'],
    ['b written', 'IPv4', [{ table: 'nat', owned: 7, written: 8 }]],
    ['b refused', 'IPv4', { rule: 9 }],
    ['a failed', 'IPv6', 'partial'],
  ])
  t.end()
})
