import { type DataPlaneTimings, DEFAULT_TIMINGS } from '../dataplane/data-plane-timings.js'
import { InProcessDataPlane } from '../dataplane/in-process.js'
import { chooseTransports } from '../dataplane/transport/choose-transports.js'
import { type Log } from '../model/log.js'
import { nodeResources } from '../system/node-resources.js'
import { readDescriptorLimit } from '../system/process-usage.js'
import { realClock } from '../system/real-clock.js'

/** What `createDataPlane` makes a data plane from. */
export interface CreateDataPlaneOptions {
  readonly log: Log
  /** Whether TCP and UDP may use what is below Node's public API, where it works; left out: `auto`. */
  readonly fastPath?: 'auto' | 'off'
  /** Times that differ from the defaults. */
  readonly timings?: Partial<DataPlaneTimings>
}

/** Creates a data plane that holds its sockets in this process, with the clock and the limits of this process. */
export async function createDataPlane({
  log,
  fastPath = 'auto',
  timings,
}: CreateDataPlaneOptions): Promise<InProcessDataPlane> {
  return new InProcessDataPlane({
    log,
    clock: realClock,
    random: Math.random,
    descriptorLimit: readDescriptorLimit(),
    node: nodeResources(1),
    timings: { ...DEFAULT_TIMINGS, ...timings },
    ...(await chooseTransports(fastPath, log)),
  })
}
