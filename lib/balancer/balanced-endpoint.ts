import { type IpAddress, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'

/**
 * One endpoint of one listener, with the state that its balancer needs. The users of the endpoint hold this object, so counting
 * is one addition without a look-up. When the endpoint has left the list, the object goes with its last connection.
 */
export class BalancedEndpoint {
  readonly ip: IpAddress
  readonly port: number
  /** `ip:port` */
  readonly key: string
  /** Open connections and flows to this endpoint, dials in progress included. */
  open = 0
  /** How often the endpoint was ejected since its last success. */
  failures = 0
  /** The end of its ejection, in milliseconds of the clock of `pick`. */
  ejectedUntil = 0

  constructor({ ip, port }: Pick<Endpoint, 'ip' | 'port'>) {
    this.ip = ip
    this.port = port
    this.key = hostPort(ip, port)
  }
}
