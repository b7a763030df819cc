import { type BenchService } from '../testbed/bench-service.js'
import { type Contender, type RunningContender } from './contender.js'

/** No Service: the client connects to the address of a Pod. The reference for all other measurements. */
export const direct: Contender = {
  name: 'direct',
  title: 'direct',
  unavailableReason: () => undefined,
  version: () => undefined,
  start: () => Promise.resolve(running),
}

const running: RunningContender = {
  pids: [],
  addressOf: ({ endpoints, targetPort }: BenchService) => ({ ip: endpoints[0]!, port: targetPort }),
  waitUntilProgrammed: () => Promise.reject(new Error('The direct path has nothing to program')),
  api: undefined,
  stop: () => Promise.resolve(),
}
