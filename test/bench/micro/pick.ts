import { NONE_TO_AVOID } from '../../../lib/balancer/balancer.js'
import { ListenerBalancer } from '../../../lib/dataplane/listener-balancer.js'
import { type MicroBench } from './micro-bench.js'

const ENDPOINTS = 10
const CLIENTS = 1000

const endpoints = Array.from({ length: ENDPOINTS }, (_, n) => ({ ip: `10.244.0.${n + 2}`, port: 8080 }))
const clients = Array.from({ length: CLIENTS }, (_, n) => `10.244.${n >> 8}.${n & 255}`)

/** The choice of an endpoint, as each connection asks for it. */
export function pickBenches(): MicroBench[] {
  return [
    pick('pick: round robin', `one of ${ENDPOINTS} endpoints`, undefined, false),
    pick('pick: one endpoint just failed', `one of ${ENDPOINTS} endpoints`, undefined, true),
    pick('pick: ClientIP affinity', `the endpoint of one of ${CLIENTS} clients`, 10_800_000, false),
  ]
}

function pick(name: string, operation: string, affinityMs: number | undefined, failed: boolean): MicroBench {
  const balancer = new ListenerBalancer({ endpoints, affinityMs, balancer: 'round-robin' }, () => 0)
  if (failed) balancer.failed(balancer.take(clients[0]!, 0, NONE_TO_AVOID, undefined)!, 0)
  return {
    name,
    operation,
    run(count) {
      for (let n = 0; n < count; n++) {
        const endpoint = balancer.take(clients[n % CLIENTS]!, 1, NONE_TO_AVOID, undefined)
        if (endpoint === undefined) throw new Error('no endpoint was picked')
        balancer.giveBack(endpoint)
      }
    },
  }
}
