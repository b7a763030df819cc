/** A program with a guard: does as its parent says, and answers when it is done. Its argument is a folder for the results. */
import { join } from 'node:path'
import { Guard } from '../../lib/control/guard.js'
import { createKlog } from '../../lib/observe/klog.js'

const folder = process.argv[2]!
const guard = new Guard(createKlog({ verbosity: 0 }))
const willOf = (name: string, what: string) => ({
  command: ['/bin/sh', '-c', `cat > "$0"`, join(folder, name)],
  text: `${what} of ${name}, with spaces\nand lines\n`,
})

process.on('message', (what: string) => {
  if (what === 'stand down') {
    guard.standDown()
    process.send!('done')
  } else void guard.write([willOf('one', what), willOf('two', what)]).then(() => process.send!('done'))
})
process.send!('ready')
