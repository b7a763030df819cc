/**
 * A program with a failover process: runs the commands of its parent and confirms each. Its arguments are a folder for the results,
 * and `manual` for a clock on which time only passes with the command `ping`: until the next ping; and the format of the log.
 */
import { join } from 'node:path'
import { FailoverProcess } from '../../../lib/failover/failover-process.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { createKlog } from '../../../lib/observe/klog.js'
import { ManualClock } from '../clock/manual-clock.js'

const [folder, kind, format] = process.argv.slice(2) as [string, string?, ('text' | 'json')?]
const clock = new ManualClock()
const failover = new FailoverProcess(
  kind === 'manual' ? clock : realClock,
  createKlog({ verbosity: 0 }),
  format ?? 'text',
)
const stepFor = (name: string, what: string) => ({
  // As the step that sets a kernel setting, it also writes to its standard output.
  command: ['tee', join(folder, name)],
  input: `${what} of ${name}, with spaces\nand lines\n`,
})

process.on('message', (what: string) => {
  if (what === 'cancel') {
    failover.disarm()
    process.send!('done')
  } else if (what === 'ping') {
    clock.advanceSync(2000)
    process.send!('done')
  } else void failover.update([stepFor('one', what), stepFor('two', what)]).then(() => process.send!('done'))
})
process.send!('ready')
