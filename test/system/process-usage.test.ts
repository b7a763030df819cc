import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { readProcessUsage, readDescriptorLimit } from '../../lib/system/process-usage.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'

t.test('what this process uses is read, as Node.js itself reports it', async t => {
  const busyUntil = performance.now() + 50
  while (performance.now() < busyUntil);
  const { user, system } = process.cpuUsage()
  const usage = (await readProcessUsage(process.pid))!
  const [seconds, nodeSeconds] = [usage.userSeconds + usage.systemSeconds, (user + system) / 1e6]
  t.ok(seconds >= nodeSeconds - 0.03, `${seconds} s of CPU, at least ${nodeSeconds}`)
  t.ok(usage.userSeconds > 0 && usage.systemSeconds >= 0)
  t.ok(usage.residentBytes > 10_000_000 && usage.virtualBytes > usage.residentBytes)
  t.equal(usage.maxOpenFiles, readDescriptorLimit())
  t.ok(usage.maxVirtualBytes > usage.virtualBytes)
  t.ok(Math.abs(usage.startTime - (Date.now() / 1000 - process.uptime())) < 5, 'the time of the start')
})

t.test('each open file counts', async t => {
  // Not those of this process: the test runner opens and closes files meanwhile.
  const [few, more] = ['exec sleep 60', 'exec 3<&0 4<&0 5<&0 6<&0 7<&0 sleep 60'].map(script => {
    const child = spawn('sh', ['-c', script])
    t.teardown(() => child.kill('SIGKILL'))
    return async () => (await readProcessUsage(child.pid!))!.openFiles
  })
  // The programs open their libraries first.
  await waitUntil(async () => (await more!()) - (await few!()) === 5, 'one has five files more')
  t.equal((await more!()) - (await few!()), 5)
})

t.test('another process is read too, also while it is stopped, and not after its end', async t => {
  const child = spawn('sleep', ['60'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  child.kill('SIGSTOP')
  t.ok((await readProcessUsage(child.pid!))!.virtualBytes > 0)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(await readProcessUsage(child.pid!), undefined)
})
