import { readFileSync } from 'node:fs'
import { type Log } from '../model/log.js'
import { type Conntrack, ConntrackProgram } from './conntrack.js'
import { type DummyInterface, dummyInterface } from './dummy-interface.js'
import { type IpSets, ipSetProgram } from './ip-sets.js'
import { type Iptables } from './iptables.js'
import { type Ipvs, ipvsProgram } from './ipvs.js'
import { applyIpvsSettings } from './ipvs-settings.js'
import { type NodeNetwork, readNodeNetwork } from './node-addresses.js'
import { allowRouteLocalnet } from './route-localnet.js'

/** Everything through which a mode reads and changes the kernel of this node. */
export interface KernelTools {
  /** One for each IP family that is served. */
  readonly iptables: readonly Iptables[]
  readonly conntrack: Conntrack
  readonly ipvs: Ipvs
  readonly ipSets: IpSets
  readonly dummyInterface: DummyInterface
  /** Makes the kernel's settings that IPVS needs. */
  applyIpvsSettings(strictARP: boolean): void
  /** Lets packets with a loopback address out to endpoints (`route_localnet`). */
  allowRouteLocalnet(): void
  /** The interfaces of this network namespace and their addresses, as they are now. */
  readNetwork(): NodeNetwork
  /** Whether this network namespace has an interface of that name. Cheap: it runs no program. */
  hasInterface(name: string): boolean
}

/** Every interface of this network namespace, one a line, also where /sys is that of another. */
const INTERFACES_FILE = '/proc/net/dev'

/** The tools of the kernel that this process runs on. */
export function kernelTools(iptables: readonly Iptables[], log: Log): KernelTools {
  return {
    iptables,
    conntrack: new ConntrackProgram(log),
    ipvs: ipvsProgram,
    ipSets: ipSetProgram,
    dummyInterface,
    applyIpvsSettings: strictARP => applyIpvsSettings(strictARP, log),
    allowRouteLocalnet: () => allowRouteLocalnet(log),
    readNetwork: readNodeNetwork,
    hasInterface: name =>
      readFileSync(INTERFACES_FILE, 'utf8')
        .split('\n')
        .some(line => line.trimStart().startsWith(`${name}:`)),
  }
}
