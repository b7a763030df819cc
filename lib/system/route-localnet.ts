import { type Log } from '../model/log.js'
import { type KernelFiles, kernelFiles, setKernelFile } from './kernel-files.js'

/** The setting for all interfaces. */
export const ROUTE_LOCALNET_FILE = '/proc/sys/net/ipv4/conf/all/route_localnet'

const ROUTE_LOCALNET = {
  file: ROUTE_LOCALNET_FILE,
  value: 1,
  set: 'Set route_localnet, for node ports on loopback',
  notSet: 'Cannot set route_localnet; node ports do not answer on loopback',
  hint: 'Use --iptables-localhost-nodeports=false, or let the proxy set it: the component node-settings of deploy/README.md',
}

/**
 * Makes the kernel route packets with an IPv4 loopback address, which it drops by default. Node ports on loopback need it
 * when the kernel translates. Call it only after rules protect the node's loopback from the network (CVE-2020-8558).
 *
 * A failure is a warning: node ports work at all other addresses.
 */
export function allowRouteLocalnet(log: Log, files: KernelFiles = kernelFiles): void {
  setKernelFile(ROUTE_LOCALNET, log, files)
}
