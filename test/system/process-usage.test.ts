import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import t from 'tap'
import { readProcessUsage, readDescriptorLimit } from '../../lib/system/process-usage.js'

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
  const before = (await readProcessUsage(process.pid))!.openFiles
  const opened = Array.from({ length: 5 }, () => openSync('/dev/null', 'r'))
  t.equal((await readProcessUsage(process.pid))!.openFiles, before + opened.length)
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
