/** A process that is watched by a thread. A message makes it busy forever. */
import { startTurnWatch } from '../../../lib/control/start-turn-watch.js'

startTurnWatch(1200)
process.on('message', () => {
  for (;;);
})
// Longer than the time after which a process that does not turn is killed.
setTimeout(() => process.send!('turning'), 2500)
