import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, on } from 'node:events'
import t, { type Test } from 'tap'
import { readStartTime } from '../../lib/system/process-facts.js'
import { OrphanEnds, type OrphanName } from '../../lib/workers/orphan-ends.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** Real processes, and deletions of entries that each last until the test says so. */
function start(t: Test) {
  const events = new EventEmitter()
  const started = on(events, 'deletion')
  let [deletions, running, mostAtOnce] = [0, 0, 0]
  const ends = new OrphanEnds(async () => {
    mostAtOnce = Math.max(mostAtOnce, ++running)
    deletions++
    await new Promise(resolve => events.emit('deletion', resolve))
    running--
  })
  const log = new RecordingLog()
  // Waiting for orphans keeps no process alive, neither this one.
  const alive = setInterval(() => undefined, 60_000)
  t.teardown(() => clearInterval(alive))
  const startOrphan = (): { readonly child: ChildProcess; readonly name: OrphanName } => {
    const child = spawn('sleep', ['600'])
    t.teardown(() => child.kill('SIGKILL'))
    const pid = child.pid!
    return { child, name: { pid, startTime: readStartTime(pid)! } }
  }
  /** Resolves when a deletion has started, with what ends it. */
  const nextDeletion = async (): Promise<() => void> => {
    const { value } = (await started.next()) as { readonly value: readonly [() => void] }
    return value[0]
  }
  return { ends, log, startOrphan, nextDeletion, counts: () => ({ deletions, mostAtOnce }) }
}

t.test('the ends of orphans cause one deletion after the other, however often and where they were seen', async t => {
  const { ends, log, startOrphan, nextDeletion, counts } = start(t)
  const [first, second, third] = [startOrphan(), startOrphan(), startOrphan()]
  ends.add([first.name, second.name], log)
  ends.add([first.name, second.name, third.name], log)
  first.child.kill('SIGKILL')
  const endFirst = await nextDeletion()
  second.child.kill('SIGKILL')
  third.child.kill('SIGKILL')
  // This one is last: whatever the ends of both have caused has started, or is shared.
  const left = ends.deleteLeftEntries(log)
  const endSecond = nextDeletion()
  endFirst()
  ;(await endSecond)()
  await left
  t.equal(counts().mostAtOnce, 1)
})

t.test('without orphans nothing is deleted; entries of one that has exited early are deleted again, once', async t => {
  const { ends, log, startOrphan, nextDeletion, counts } = start(t)
  ends.add([], log)
  await ends.deleteLeftEntries(log)
  t.equal(counts().deletions, 0)
  const orphan = startOrphan()
  ends.add([orphan.name], log)
  orphan.child.kill('SIGKILL')
  ;(await nextDeletion())()
  const left = ends.deleteLeftEntries(log)
  ;(await nextDeletion())()
  await left
  await ends.deleteLeftEntries(log)
  t.equal(counts().deletions, 2)
})
