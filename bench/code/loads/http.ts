import { type WrkRun, runWrk } from '../measure/wrk.js'
import { USERSPACE_CONTENDER_NAMES } from '../contenders/contender.js'
import { type ClusterSize, SMALL_CLUSTER, HTTP_SERVICE } from '../testbed/bench-service.js'
import { type Load, type ContenderControl } from './load.js'
import { CPU_SHARE, P50, P99, PER_CPU, PER_SECOND } from './metrics.js'
import { measureCpu } from './measure-cpu.js'
import { type Sample } from '../report/results.js'

/** How requests are sent: over persistent connections, or each over its own connection. */
const KEEP_ALIVE = { connections: 64, close: false } as const
const CLOSE = { connections: 64, close: true } as const

export const keepAlive: Load = {
  name: 'keep-alive',
  title: 'Keep-alive requests',
  description: 'Small HTTP requests over 64 persistent connections, each sent after the previous answer (wrk).',
  metrics: [PER_CPU('requests'), PER_SECOND('requests'), P50, P99, CPU_SHARE],
  seconds: 2,
  contenders: USERSPACE_CONTENDER_NAMES,
  takeSample: stage => takeSample(stage, KEEP_ALIVE),
}

export const newConnections: Load = {
  name: 'new-connections',
  title: 'New connections',
  description: 'One HTTP request per connection, 64 at a time (wrk with "Connection: close").',
  metrics: [PER_CPU('connections'), PER_SECOND('connections'), P50, P99, CPU_SHARE],
  seconds: 2,
  contenders: USERSPACE_CONTENDER_NAMES,
  takeSample: stage => takeSample(stage, CLOSE),
}

export const oneAtATime: Load = {
  name: 'one-at-a-time',
  title: 'One request at a time',
  description: 'Small HTTP requests over one connection: the latency that a proxy adds without other load (wrk).',
  metrics: [P50, P99, PER_SECOND('requests'), PER_CPU('requests'), CPU_SHARE],
  seconds: 2,
  contenders: USERSPACE_CONTENDER_NAMES,
  takeSample: stage => takeSample(stage, { connections: 1, close: false }),
}

/** The same as `newConnections`, in a cluster with this number of Services. */
export function makeNewConnectionsLoad(size: ClusterSize): Load {
  const many = size.services.toLocaleString('en')
  return {
    ...newConnections,
    name: `${newConnections.name}-${size.services}`,
    title: `${newConnections.title} at ${many} Services`,
    description: `${newConnections.description.slice(0, -1)}, in a cluster with ${many} Services.`,
    takeSample: stage => takeSample(stage, CLOSE, size),
  }
}

async function takeSample(
  stage: ContenderControl,
  how: Omit<WrkRun, 'seconds'>,
  size = SMALL_CLUSTER,
): Promise<Sample> {
  const running = await stage.ensureRunning(size)
  const { result, values } = await measureCpu(
    running,
    () => runWrk(stage.site, running.addressOf(HTTP_SERVICE)!, { ...how, seconds: stage.seconds }),
    ({ requests, seconds }) => ({ work: requests, seconds }),
  )
  return { values: { ...values, p50: result.p50, p99: result.p99 }, errors: result.errors }
}
