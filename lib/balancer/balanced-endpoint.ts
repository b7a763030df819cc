import { type IpAddress, hostPort } from '../model/address.js'
import { type Endpoint } from '../model/endpoint.js'

/**
 * One endpoint of one listener, with what its balancer has to remember of it. Whoever uses the endpoint holds this object,
 * so counting is one addition, without looking anything up; and when the endpoint has left the list, what is still counted
 * here is seen by nobody, and goes with the last connection.
 */
export class BalancedEndpoint {
  readonly ip: IpAddress
  readonly port: number
  /** `ip:port` */
  readonly key: string
  /** Connections and flows that were given this endpoint and have not ended; a dial that goes on counts too. */
  open = 0
  /** Times it was left out for failing, one after the other without a success between. */
  failures = 0
  /** Until when it is left out, in milliseconds of the clock of `pick`. */
  ejectedUntil = 0

  constructor({ ip, port }: Pick<Endpoint, 'ip' | 'port'>) {
    this.ip = ip
    this.port = port
    this.key = hostPort(ip, port)
  }
}
