import { bulkLoads } from './bulk.js'
import { endpointChange } from './endpoint-change.js'
import { firstPacketLoads } from './first-packet.js'
import { keepAlive, newConnections, oneAtATime } from './http.js'
import { idleConnections } from './idle-connections.js'
import { type Load } from './load.js'
import { programmingLoads } from './programming.js'
import { relist } from './relist.js'
import { udpOffered, udpSaturation } from './udp.js'

/** In the order of runs and reports. */
export const ALL_LOADS: readonly Load[] = [
  keepAlive,
  newConnections,
  oneAtATime,
  ...bulkLoads,
  udpOffered,
  udpSaturation,
  endpointChange,
  firstPacketLoads[0]!,
  idleConnections,
  ...programmingLoads,
  firstPacketLoads[1]!,
  relist,
]
