import { type IpAddress, hostPort } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'

/** The address, port and protocol of a virtual server, which identify it. */
export interface ServerAddress {
  readonly protocol: Protocol
  readonly address: IpAddress
  readonly port: number
}

/** An endpoint in IPVS. With weight 0 it keeps its connections and gets no new ones. */
export interface RealServer {
  readonly address: IpAddress
  readonly port: number
  readonly weight: number
}

/** One address and port that the kernel balances by IPVS, with address translation ("masquerading"). */
export interface VirtualServer<Real extends RealServer = RealServer> extends ServerAddress {
  /** The kernel's name of the scheduler: `rr`, `lc`, `sh` … */
  readonly scheduler: string
  /** Flags of the scheduler in the form of `ipvsadm -b`, such as `mh-port`; empty: none. */
  readonly flags: string
  /** Seconds that a client keeps its real server after its last connection; 0: no persistence. */
  readonly persistenceSeconds: number
  readonly realServers: readonly Real[]
}

/** The key of a virtual server: `TCP 10.96.0.10:80`. */
export function serverKey({ protocol, address, port }: ServerAddress): string {
  return `${protocol} ${hostPort(address, port)}`
}
