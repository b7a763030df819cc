import { readFileSync } from 'node:fs'
import { type Cidr } from '../model/cidr.js'
import { type IpvsCleanupOptions } from '../modes/ipvs/cleanup.js'
import { dummyInterface } from '../system/dummy-interface.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { ipvsProgram } from '../system/ipvs.js'
import { KUBE_IPVS_DEVICE, readNodeNetwork } from '../system/node-addresses.js'

/** Every interface of this network namespace, one a line, also where /sys is that of another. */
const INTERFACES_FILE = '/proc/net/dev'

/** Whether the interface of ipvs mode shows that it was here, ours or kube-proxy's. */
export function hasIpvsLeftovers(): boolean {
  const lines = readFileSync(INTERFACES_FILE, 'utf8').split('\n')
  return lines.some(line => line.trimStart().startsWith(`${KUBE_IPVS_DEVICE}:`))
}

/**
 * What it takes to remove what ipvs mode has left besides rules.
 * @param excludeCIDRs virtual servers at these addresses stay
 */
export function ipvsCleanupOptions(excludeCIDRs: readonly Cidr[]): IpvsCleanupOptions {
  return {
    ipvs: ipvsProgram,
    sets: ipSetProgram,
    dummy: dummyInterface,
    excludeCIDRs,
    nodeAddresses: readNodeNetwork().addresses.map(({ ip }) => ip),
  }
}
