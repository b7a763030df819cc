import { type Question } from './question.js'
import { affinityLife } from './questions/affinity-life.js'
import { affinityTrouble } from './questions/affinity-trouble.js'
import { clientAddress } from './questions/client-address.js'
import { clusterIpInterface } from './questions/cluster-ip-interface.js'
import { deadPodConnections } from './questions/dead-pod-connections.js'
import { deadPodRetry } from './questions/dead-pod-retry.js'
import { dnsAndProxy } from './questions/dns-and-proxy.js'
import { fourPorts } from './questions/four-ports.js'
import { fromMyLaptop } from './questions/from-my-laptop.js'
import { hairpin } from './questions/hairpin.js'
import { keepAlive } from './questions/keep-alive.js'
import { localPolicy } from './questions/local-policy.js'
import { noEndpoints } from './questions/no-endpoints.js'
import { nodePortListener } from './questions/node-port-listener.js'
import { nodePortOnLocalhost } from './questions/node-port-on-localhost.js'
import { pingClusterIp } from './questions/ping-cluster-ip.js'
import { proxyStops } from './questions/proxy-stops.js'
import { randomRules } from './questions/random-rules.js'
import { refusedOrHanging } from './questions/refused-or-hanging.js'
import { rollingUpdate } from './questions/rolling-update.js'
import { ruleCount } from './questions/rule-count.js'
import { throughKubeProxy } from './questions/through-kube-proxy.js'
import { udpToDeadPod } from './questions/udp-to-dead-pod.js'
import { unevenLoad } from './questions/uneven-load.js'
import { whichMode } from './questions/which-mode.js'

/** All questions, in the order of their numbers. */
export const QUESTIONS: readonly Question[] = [
  clusterIpInterface,
  throughKubeProxy,
  pingClusterIp,
  fourPorts,
  randomRules,
  unevenLoad,
  keepAlive,
  refusedOrHanging,
  noEndpoints,
  affinityTrouble,
  affinityLife,
  clientAddress,
  localPolicy,
  nodePortOnLocalhost,
  nodePortListener,
  hairpin,
  deadPodConnections,
  rollingUpdate,
  deadPodRetry,
  proxyStops,
  whichMode,
  udpToDeadPod,
  dnsAndProxy,
  fromMyLaptop,
  ruleCount,
]
