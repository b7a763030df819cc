import { type Contender } from './contender.js'
import { direct } from './direct.js'
import { dnat } from './dnat.js'
import { haproxy } from './haproxy.js'
import { nginx } from './nginx.js'
import { original } from './original.js'
import { thisProxy } from './this-proxy.js'

/** In the order of their turns. */
export const ALL_CONTENDERS: readonly Contender[] = [direct, dnat, thisProxy, haproxy, nginx, original]
