import { type Lesson } from './lesson.js'
import { aPodDies } from './lessons/a-pod-dies.js'
import { affinity } from './lessons/affinity.js'
import { iptablesMode } from './lessons/iptables-mode.js'
import { ipvsMode } from './lessons/ipvs-mode.js'
import { nodePorts } from './lessons/node-ports.js'
import { policies } from './lessons/policies.js'
import { scaling } from './lessons/scaling.js'
import { serviceBasics } from './lessons/service-basics.js'
import { theProxyStops } from './lessons/the-proxy-stops.js'
import { userspaceMode } from './lessons/userspace-mode.js'

/** All lessons, in the order of their numbers. */
export const LESSONS: readonly Lesson[] = [
  serviceBasics,
  userspaceMode,
  iptablesMode,
  ipvsMode,
  affinity,
  aPodDies,
  scaling,
  nodePorts,
  policies,
  theProxyStops,
]
