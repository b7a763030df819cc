import t from 'tap'
import { combineSyncObservers } from '../../lib/observe/sync-observer.js'

t.test('every listener is told what it has a method for, in order and with all arguments', t => {
  const told: unknown[][] = []
  const record = combineSyncObservers(
    {
      queued: (...args) => told.push(['a queued', ...args]),
      restoreFailed: (...args) => told.push(['a failed', ...args]),
    },
    {
      queued: (...args) => told.push(['b queued', ...args]),
      changed: (...args) => told.push(['b changed', ...args]),
      synced: (...args) => told.push(['b synced', ...args]),
      rulesWritten: (...args) => told.push(['b written', ...args]),
    },
  )
  record.queued('IPv4', 1)
  record.changed(2, 3)
  record.synced('IPv6', 4, 5, [6])
  record.rulesWritten('IPv4', [{ table: 'nat', owned: 7, written: 8 }])
  record.restoreFailed('IPv6')
  t.strictSame(told, [
    ['a queued', 'IPv4', 1],
    ['b queued', 'IPv4', 1],
    ['b changed', 2, 3],
    ['b synced', 'IPv6', 4, 5, [6]],
    ['b written', 'IPv4', [{ table: 'nat', owned: 7, written: 8 }]],
    ['a failed', 'IPv6'],
  ])
  t.end()
})
