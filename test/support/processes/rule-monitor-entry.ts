/**
 * A monitor of rules in the network namespace of this process, on a clock on which time only passes by the command `wait MS`. The
 * command `count` prints how many changes of rules it has noticed; `undefined` while it is not reliable.
 */
import { createInterface } from 'node:readline'
import { runCommand } from '../../../lib/system/command.js'
import { RuleMonitor } from '../../../lib/system/rule-monitor.js'
import { createKlog } from '../../../lib/observe/klog.js'
import { ManualClock } from '../clock/manual-clock.js'

const clock = new ManualClock()
const monitor = new RuleMonitor({
  concernsUs: () => true,
  makeChange: async () => {
    const input = '*filter\n:KUBE-TEST - [0:0]\n-X KUBE-TEST\nCOMMIT\n'
    await runCommand('iptables-nft-restore', ['--noflush'], { input, timeoutMs: 10_000 })
  },
  clock,
  log: createKlog({ verbosity: 2 }),
})
monitor.start()
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ms] = line.split(' ')
  if (command === 'wait') clock.advanceSync(Number(ms))
  process.stdout.write(`${monitor.foreignChanges('IPv4')}\n`)
}
monitor.stop()
