/** A program with a failover process: runs the commands of its parent and confirms each. Its argument is a folder for the results. */
import { join } from 'node:path'
import { FailoverProcess } from '../../../lib/failover/failover-process.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { createKlog } from '../../../lib/observe/klog.js'

const folder = process.argv[2]!
const failover = new FailoverProcess(realClock, createKlog({ verbosity: 0 }))
const stepFor = (name: string, what: string) => ({
  command: ['/bin/sh', '-c', `cat > "$0"`, join(folder, name)],
  input: `${what} of ${name}, with spaces\nand lines\n`,
})

process.on('message', (what: string) => {
  if (what === 'cancel') {
    failover.disarm()
    process.send!('done')
  } else void failover.update([stepFor('one', what), stepFor('two', what)]).then(() => process.send!('done'))
})
process.send!('ready')
