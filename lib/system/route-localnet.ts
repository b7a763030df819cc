import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelFiles, kernelFiles } from './kernel-files.js'

/** The setting for all interfaces. */
export const ROUTE_LOCALNET_FILE = '/proc/sys/net/ipv4/conf/all/route_localnet'

/**
 * Makes the kernel route packets with an IPv4 loopback address, which it drops by default. Node ports on loopback need it
 * when the kernel translates. Call it only after rules protect the node's loopback from the network (CVE-2020-8558).
 *
 * A failure is a warning: node ports work at all other addresses.
 */
export function allowRouteLocalnet(log: Log, files: KernelFiles = kernelFiles): void {
  if (files.read(ROUTE_LOCALNET_FILE) === 1) return
  try {
    files.write(ROUTE_LOCALNET_FILE, 1)
    log.info(0, 'Set route_localnet, for node ports on loopback')
  } catch (error) {
    log.warn('Cannot set route_localnet; node ports do not answer on loopback', {
      reason: systemCode(error) ?? messageOf(error),
      hint: 'Set net.ipv4.conf.all.route_localnet=1 on the node, or use --iptables-localhost-nodeports=false',
    })
  }
}
