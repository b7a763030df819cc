import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { type CommandResult, runCommand } from './command.js'
import { parseInterfaceAddresses } from './interface-addresses.js'
import { addressesFailure, interfaceFailure } from './interface-failure.js'
import { KUBE_IPVS_DEVICE } from './node-addresses.js'

/** The interface with the addresses of Services: this node accepts packets to them, and IPVS handles them. */
export interface DummyInterface {
  /** Its addresses of both families; undefined when it does not exist. @throws ProxyFailure */
  read(): Promise<ReadonlySet<IpAddress> | undefined>
  /** Creates it unless it exists. @throws ProxyFailure */
  ensure(): Promise<void>
  /**
   * Adds and removes addresses. It continues after an address that fails.
   * @throws ProxyFailure when some addresses failed
   */
  change(added: Iterable<IpAddress>, removed: Iterable<IpAddress>): Promise<void>
  /** Removes it with all its addresses, if it exists. @throws ProxyFailure */
  delete(): Promise<void>
}

const TIMEOUT_MS = 60_000

/**
 * `kube-ipvs0` through the program `ip`. It may stay down: IPv4 addresses work on an interface that is down, and IPv6
 * addresses do on one without neighbour discovery.
 */
export const dummyInterface: DummyInterface = {
  read: async () => {
    const { exitCode, stdout, stderr } = await runIp(['-j', 'address', 'show', 'dev', KUBE_IPVS_DEVICE])
    if (exitCode !== 0) {
      if (isMissing(stderr)) return undefined
      throw interfaceFailure(stderr)
    }
    return parseInterfaceAddresses(stdout)
  },
  ensure: async () => {
    const { exitCode, stderr } = await runIp(['link', 'add', KUBE_IPVS_DEVICE, 'type', 'dummy'])
    if (exitCode !== 0 && !/file exists/i.test(stderr)) throw interfaceFailure(stderr)
  },
  change: async (added, removed) => {
    const commands = [
      ...[...added].map(
        ip => `address add ${ip}/${prefixLength(ip)} dev ${KUBE_IPVS_DEVICE}${familyOf(ip) === 'IPv6' ? ' nodad' : ''}`,
      ),
      ...[...removed].map(ip => `address del ${ip}/${prefixLength(ip)} dev ${KUBE_IPVS_DEVICE}`),
    ]
    if (commands.length === 0) return
    const { exitCode, stderr } = await runIp(['-force', '-batch', '-'], `${commands.join('\n')}\n`)
    // An address that exists already, or is gone already, is no error.
    const failure = exitCode === 0 ? undefined : addressesFailure(stderr)
    if (failure !== undefined) throw failure
  },
  delete: async () => {
    const { exitCode, stderr } = await runIp(['link', 'delete', KUBE_IPVS_DEVICE])
    if (exitCode !== 0 && !isMissing(stderr)) throw interfaceFailure(stderr)
  },
}

function isMissing(stderr: string): boolean {
  return /does not exist|cannot find device/i.test(stderr)
}

function prefixLength(ip: IpAddress): number {
  return PREFIX_LENGTHS[familyOf(ip)]
}

const PREFIX_LENGTHS: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 }

function runIp(args: readonly string[], input = ''): Promise<CommandResult> {
  return runCommand('ip', args, { input, timeoutMs: TIMEOUT_MS, packageName: 'iproute2' })
}
