import { type IpAddress, hostPort } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'

/** Where a virtual server takes connections; no two are alike. */
export interface ServerAddress {
  readonly protocol: Protocol
  readonly address: IpAddress
  readonly port: number
}

/** An endpoint as IPVS has it. Of weight 0: it keeps the connections it has and gets no new ones. */
export interface RealServer {
  readonly address: IpAddress
  readonly port: number
  readonly weight: number
}

/** One address and port that the kernel balances by IPVS. Real servers are reached by translation ("masquerading"). */
export interface VirtualServer<Real extends RealServer = RealServer> extends ServerAddress {
  /** By the kernel's names: `rr`, `lc`, `sh` … */
  readonly scheduler: string
  /** The scheduler's flags as `ipvsadm -b` takes and prints them, such as `mh-port`; empty: none. */
  readonly flags: string
  /** Seconds that a client stays with its real server after its last connection; 0: it does not. */
  readonly persistenceSeconds: number
  readonly realServers: readonly Real[]
}

/** `TCP 10.96.0.10:80` */
export function serverKey({ protocol, address, port }: ServerAddress): string {
  return `${protocol} ${hostPort(address, port)}`
}
