import { AVOID_NONE } from '../../../lib/balancer/balancer.js'
import { ListenerBalancer } from '../../../lib/dataplane/listener-balancer.js'
import { type MicroBench } from './micro-bench.js'

const ENDPOINTS = 10
const CLIENTS = 1000

const endpoints = Array.from({ length: ENDPOINTS }, (_, n) => ({ ip: `10.244.0.${n + 2}`, port: 8080 }))
const clients = Array.from({ length: CLIENTS }, (_, n) => `10.244.${n >> 8}.${n & 255}`)

/** Picks an endpoint, as for each connection. */
export function pickBenches(): MicroBench[] {
  return [
    makePickBench('pick: round robin', `one of ${ENDPOINTS} endpoints`, undefined, false),
    makePickBench('pick: one endpoint just failed', `one of ${ENDPOINTS} endpoints`, undefined, true),
    makePickBench('pick: ClientIP affinity', `the endpoint of one of ${CLIENTS} clients`, 10_800_000, false),
  ]
}

function makePickBench(name: string, operation: string, affinityMs: number | undefined, failed: boolean): MicroBench {
  const balancer = new ListenerBalancer({ endpoints, affinityMs, balancer: 'round-robin' }, () => 0)
  if (failed) balancer.recordFailure(balancer.acquire(clients[0]!, 0, AVOID_NONE, undefined)!, 0)
  return {
    name,
    operation,
    run(count) {
      for (let n = 0; n < count; n++) {
        const endpoint = balancer.acquire(clients[n % CLIENTS]!, 1, AVOID_NONE, undefined)
        if (endpoint === undefined) throw new Error('no endpoint was picked')
        balancer.release(endpoint)
      }
    },
  }
}
