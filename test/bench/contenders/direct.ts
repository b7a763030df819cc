import { type BenchService } from '../site/bench-service.js'
import { type Contender, type Running } from './contender.js'

/** No Service at all: the client knows a Pod's address. What everything else is measured against. */
export const direct: Contender = {
  name: 'direct',
  title: 'direct',
  missing: () => undefined,
  version: () => undefined,
  start: () => Promise.resolve(running),
}

const running: Running = {
  pids: [],
  addressOf: ({ endpoints, targetPort }: BenchService) => ({ ip: endpoints[0]!, port: targetPort }),
  programmed: () => Promise.reject(new Error('There is nothing to program on the direct way')),
  api: undefined,
  stop: () => Promise.resolve(),
}
