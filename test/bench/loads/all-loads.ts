import { bulkLoads } from './bulk.js'
import { keepAlive, newConnections, oneAtATime } from './http.js'
import { type Load } from './load.js'
import { udpOffered, udpSaturation } from './udp.js'

/** In the order in which they are run and reported. */
export const ALL_LOADS: readonly Load[] = [
  keepAlive,
  newConnections,
  oneAtATime,
  ...bulkLoads,
  udpOffered,
  udpSaturation,
]
