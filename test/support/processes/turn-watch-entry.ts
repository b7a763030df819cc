/** A process that is watched by a thread. Its argument is the format of the log. A message says how it stops turning: `work`, or `read FILE` without an end. */
import { readFileSync } from 'node:fs'
import { startTurnWatch } from '../../../lib/control/start-turn-watch.js'
import { createKlog } from '../../../lib/observe/klog.js'

const format = process.argv[2] === 'json' ? 'json' : 'text'
startTurnWatch(1200, format, createKlog({ verbosity: 0, format }))
process.on('message', (command: string) => {
  const [what, file] = command.split(' ')
  if (what === 'read') readFileSync(file!)
  for (;;);
})
// Longer than the time after which a process that does not turn is killed.
setTimeout(() => process.send!('turning'), 2500)
