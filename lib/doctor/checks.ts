import { type Check } from './check.js'
import { ADDRESS_SERVED } from './checks/address-served.js'
import { AFFINITY_SPREAD } from './checks/affinity-spread.js'
import { CLUSTER_IP } from './checks/cluster-ip.js'
import { CONNTRACK_ROOM } from './checks/conntrack-room.js'
import { HAS_ENDPOINT } from './checks/has-endpoint.js'
import { ANSWERS, LISTENS } from './checks/listens.js'
import { LOCAL_POLICY } from './checks/local-policy.js'
import { NAME_RESOLVES } from './checks/name-resolves.js'
import { LOAD_BALANCER, NODE_PORT } from './checks/node-port.js'
import { FIREWALL, OTHER_RULES } from './checks/other-rules.js'
import { PODS_READY } from './checks/pods-ready.js'
import { PORT_NAMES } from './checks/port-names.js'
import { LISTENER, PROXY_HEALTH } from './checks/proxy-health.js'
import { RULES_THERE } from './checks/rules-there.js'
import { SELECTOR } from './checks/selector.js'
import { SERVICE_EXISTS } from './checks/service-exists.js'
import { SOURCE_RANGES } from './checks/source-ranges.js'

/** All checks, those with the likeliest finding first. */
export const CHECKS: readonly Check[] = [
  SERVICE_EXISTS,
  CLUSTER_IP,
  SELECTOR,
  PODS_READY,
  PORT_NAMES,
  HAS_ENDPOINT,
  LISTENS,
  ADDRESS_SERVED,
  LOCAL_POLICY,
  SOURCE_RANGES,
  LOAD_BALANCER,
  RULES_THERE,
  OTHER_RULES,
  LISTENER,
  PROXY_HEALTH,
  AFFINITY_SPREAD,
  NAME_RESOLVES,
  NODE_PORT,
  FIREWALL,
  ANSWERS,
  CONNTRACK_ROOM,
]
