import t from 'tap'
import { dataPlaneTimings, workerCount } from '../../lib/control/choose-data-plane.js'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/data-plane-timings.js'

t.test('--udp-timeout applies to UDP flows with and without an answer, and to nothing else', t => {
  const timings = dataPlaneTimings({ udpIdleTimeout: 7000 })
  t.equal(timings.udpTimeout, 7000)
  t.equal(timings.udpStreamTimeout, 7000)
  const { udpTimeout, udpStreamTimeout } = DEFAULT_TIMINGS
  t.strictSame({ ...timings, udpTimeout, udpStreamTimeout }, DEFAULT_TIMINGS)
  t.end()
})

t.test('without --udp-timeout the timings are the defaults', t => {
  t.equal(dataPlaneTimings({ udpIdleTimeout: undefined }), DEFAULT_TIMINGS)
  t.end()
})

t.test('auto means one worker for every two CPUs, at least 1 and at most 8', t => {
  const table = [
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [15, 7],
    [16, 8],
    [64, 8],
  ] as const
  for (const [cpus, workers] of table) t.equal(workerCount('auto', cpus), workers, `${cpus} CPUs`)
  t.equal(workerCount(0, 64), 0)
  t.equal(workerCount(5, 2), 5)
  t.end()
})
