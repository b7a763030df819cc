/**
 * A control process with one worker and one Service. It sends its port and its worker. A message makes it busy forever. Arguments: the port
 * of the endpoint, then the words before the command of the worker.
 */
import { DEFAULT_TIMINGS } from '../../../lib/dataplane/data-plane-timings.js'
import { createKlog } from '../../../lib/observe/klog.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { WorkerPool } from '../../../lib/workers/worker-pool.js'
import { makeListenerPlan, makeListenerSpec } from '../dataplane/plane-under-test.js'

const pool = new WorkerPool({
  workers: 1,
  settings: {
    verbosity: 0,
    timings: DEFAULT_TIMINGS,
    fastPath: 'auto',
    drainTimeout: 0,
    orphanTime: 60_000,
    // Longer than the interval of pings.
    controlTimeout: 6000,
  },
  startedThrough: process.argv.slice(3),
  clock: realClock,
  log: createKlog({ verbosity: 0 }),
})
const spec = makeListenerSpec({ endpoints: [{ ip: '127.0.0.1', port: Number(process.argv[2]) }] })
const { open } = await pool.apply(makeListenerPlan(spec))
process.on('message', () => {
  for (;;);
})
process.send!({ port: open.get(spec.key), worker: pool.pids[0] })
