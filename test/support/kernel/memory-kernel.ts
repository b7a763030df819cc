import { IP_FAMILIES } from '../../../lib/model/address.js'
import { type KernelTools } from '../../../lib/system/kernel-tools.js'
import { KUBE_IPVS_DEVICE } from '../../../lib/system/node-addresses.js'
import { MemoryConntrack } from './memory-conntrack.js'
import { MemoryDummyInterface } from './memory-dummy-interface.js'
import { MemoryIpSets } from './memory-ip-sets.js'
import { MemoryIptables } from './memory-iptables.js'
import { MemoryIpvs } from './memory-ipvs.js'

/** The address of the node with this kernel. */
export const MEMORY_NODE_IP = '192.168.50.1'

/** A whole kernel in memory, of parts that are as strict as the programs. A test can see what a mode leaves behind. */
export class MemoryKernel implements KernelTools {
  readonly ipSets = new MemoryIpSets(() => this.iptables.flatMap(({ tables }) => [...tables.referencedSets]))
  readonly iptables = IP_FAMILIES.map(family => new MemoryIptables(family, name => this.ipSets.get(name) !== undefined))
  readonly conntrack = new MemoryConntrack()
  readonly ipvs = new MemoryIpvs()
  readonly dummyInterface = new MemoryDummyInterface()

  applyIpvsSettings(): void {
    // Tests with a real kernel cover its settings.
  }

  allowRouteLocalnet(): void {
    // Likewise.
  }

  readNetwork() {
    return {
      addresses: [{ interfaceName: 'eth0', ip: MEMORY_NODE_IP }],
      defaultInterface: { IPv4: 'eth0', IPv6: undefined },
    }
  }

  hasInterface(name: string): boolean {
    return name === KUBE_IPVS_DEVICE && this.hasIpvsInterface
  }

  get hasIpvsInterface(): boolean {
    return this.dummyInterface.isThere
  }

  /** The whole state of the kernel as text: equal kernels have equal texts. */
  dump(): string {
    return JSON.stringify(
      {
        rules: this.iptables.map(({ tables }) => tables.save()),
        virtualServers: this.ipvs.listOutput.split('\n').sort(),
        sets: this.ipSets.saveOutput.split('\n').sort(),
        addresses: this.dummyInterface.isThere ? [...this.dummyInterface.addresses].sort() : 'no interface',
      },
      undefined,
      1,
    )
  }
}
