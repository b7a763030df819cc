import { type IpAddress } from '../model/address.js'
import { parseHostPort } from './ipvs-text.js'
import { type ServerAddress } from './virtual-server.js'

/** A client that IPVS keeps at a real server, by the persistence of a virtual server. */
export interface PersistedClient {
  readonly client: IpAddress
  readonly server: ServerAddress
  readonly real: Pick<ServerAddress, 'address' | 'port'>
  /** When it ends if the client opens no further connection. */
  readonly leftSeconds: number
}

/**
 * Reads the output of `ipvsadm -L -n -c`. Among the connections is a template for each client that is kept: it has port 0 of the client.
 *
 *     TCP 179:59 ASSURED     10.244.0.2:0       10.96.0.10:80      10.244.0.5:8080
 */
export function parsePersistedClients(text: string): PersistedClient[] {
  // There may be 100,000 connections: the others are not taken apart.
  const templates = text.matchAll(/^(TCP|UDP|SCTP) +(\d+):(\d\d) +\S+ +(\S+:0) +(\S+) +(\S+)/gm)
  return [...templates].flatMap(([, protocol, minutes, seconds, ...ends]) => {
    const [from, to, at] = ends.map(parseHostPort)
    if (from === undefined || to === undefined || at === undefined) return []
    const leftSeconds = Number(minutes) * 60 + Number(seconds)
    return [
      {
        client: from.address,
        server: { protocol: protocol as ServerAddress['protocol'], ...to },
        real: at,
        leftSeconds,
      },
    ]
  })
}
