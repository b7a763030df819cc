import { existsSync } from 'node:fs'
import { type Cidr } from '../model/cidr.js'
import { cleanupIpvs } from '../modes/ipvs/cleanup-ipvs.js'
import { dummyInterface } from '../system/dummy-interface.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { ipvsProgram } from '../system/ipvs.js'
import { KUBE_IPVS, readNodeNetwork } from '../system/node-addresses.js'

/**
 * Takes away what ipvs mode has besides rules, ours and kube-proxy's, where its interface shows that it was here. The rules have to
 * be gone already. Connections that are open go on: the kernel remembers where they lead.
 *
 * @param excludeCIDRs virtual servers at these addresses stay
 * @returns whether there was anything
 * @throws ProxyFailure when something could not be removed
 */
export async function leaveIpvs(excludeCIDRs: readonly Cidr[]): Promise<boolean> {
  if (!existsSync(`/sys/class/net/${KUBE_IPVS}`)) return false
  return cleanupIpvs({
    ipvs: ipvsProgram,
    sets: ipSetProgram,
    dummy: dummyInterface,
    excludeCIDRs,
    nodeAddresses: readNodeNetwork().addresses.map(({ ip }) => ip),
  })
}
