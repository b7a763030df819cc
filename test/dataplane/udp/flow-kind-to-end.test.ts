import t from 'tap'
import { flowKindToEnd } from '../../../lib/dataplane/udp/service-flows.js'

for (const [fresh, assured, expected, why] of [
  [0, 0, undefined, 'there are none'],
  [1, 0, 'fresh', 'only those without several answers'],
  [0, 1, 'assured', 'only those with several answers'],
  [2000, 6, 'fresh', 'one client sends from many ports, others talk'],
  [1, 64, 'fresh', 'a client with many long conversations, among single questions'],
  [1, 65, 'assured', 'one client has so many conversations that others could not ask'],
  [30, 2000, 'assured', 'the greediest client has conversations only'],
] as const)
  t.equal(flowKindToEnd(fresh, assured), expected, why)
