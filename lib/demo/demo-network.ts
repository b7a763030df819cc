import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ProxyFailure } from '../model/failure.js'
import { type LeftoverRecord } from './leftover-record.js'
import { NetworkNamespace } from './network-namespace.js'
import { PodNumbers } from './pod-numbers.js'
import { type Teardown } from './teardown.js'

export const NODE_IP = '192.168.50.1'
/** The address of the node in the network of Pods. */
export const BRIDGE_IP = '10.244.0.1'
/** The host outside the cluster. */
export const OUTSIDE_IP = '192.168.50.2'
/**
 * The routes to the silent gateway. No interface has the MAC address, so the other side ignores each packet. Without this neighbour
 * the kernel would ask for the address, and after 3 s report to the program that the host is unreachable.
 */
const SILENT_GATEWAY = [
  'neighbour add 192.168.50.254 lladdr 02:00:c0:a8:32:fe dev eth0 nud permanent',
  'route add default via 192.168.50.254',
] as const

/**
 * The network of the demo: a node, for each Pod a namespace with one interface, and a host outside that knows no way to Pods or
 * Services. The gateway of both is silent: what it gets is lost without an answer, as at a gateway that drops private addresses.
 *
 *     outside 192.168.50.2 ── 192.168.50.1 on eth0 (default route) node ── cni0 10.244.0.1/24 ── Pods 10.244.0.2, .3, …
 */
export class DemoNetwork {
  readonly node: NetworkNamespace
  readonly outside: NetworkNamespace
  readonly #prefix: string
  readonly #teardown: Teardown
  readonly #leftovers: LeftoverRecord
  readonly #numbers = new PodNumbers()
  /** What removes each Pod, by its name. */
  readonly #removals = new Map<string, () => Promise<void>>()

  private constructor(
    [node, outside]: readonly [NetworkNamespace, NetworkNamespace],
    prefix: string,
    teardown: Teardown,
    leftovers: LeftoverRecord,
  ) {
    this.node = node
    this.outside = outside
    this.#prefix = prefix
    this.#teardown = teardown
    this.#leftovers = leftovers
  }

  /** @param prefix of the names of all namespaces @throws ProxyFailure DEMO_IMPOSSIBLE if a namespace cannot be created */
  static async create(prefix: string, teardown: Teardown, leftovers: LeftoverRecord): Promise<DemoNetwork> {
    const { namespace: node } = await newNamespace(`${prefix}node`, teardown, leftovers).catch((cause: unknown) => {
      if (cause instanceof ProxyFailure && cause.code === 'DEMO_IMPOSSIBLE') throw cause
      throw new ProxyFailure('DEMO_IMPOSSIBLE', 'Cannot create a network namespace', {
        cause,
        hint: 'In a container, root needs the capabilities SYS_ADMIN and NET_ADMIN. Run the demo outside the container, or as an ordinary user',
      })
    })
    const { namespace: outside } = await newNamespace(`${prefix}outside`, teardown, leftovers)
    await node.configure(
      // A fixed MAC address: otherwise the bridge uses the lowest address of its ports, and changes it when that Pod goes away.
      'link add cni0 address 02:00:0a:f4:00:01 type bridge',
      `address add ${BRIDGE_IP}/24 dev cni0`,
      'link set cni0 up',
      `link add eth0 type veth peer name eth0 netns ${outside.name}`,
      `address add ${NODE_IP}/24 dev eth0`,
      'link set eth0 up',
      ...SILENT_GATEWAY,
    )
    await outside.configure(`address add ${OUTSIDE_IP}/24 dev eth0`, 'link set eth0 up', ...SILENT_GATEWAY)
    await node.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
    return new DemoNetwork([node, outside], prefix, teardown, leftovers)
  }

  /** Creates the namespace of a Pod, with an IP address, connected to the node. @throws Error if all addresses are in use */
  async addPod(name: string): Promise<{ namespace: NetworkNamespace; ip: string }> {
    const number = this.#numbers.take()
    const ip = `10.244.0.${number}`
    // The same for each Pod that gets this address: neighbours remember the MAC address of an address for a while.
    const mac = `02:00:0a:f4:00:${number.toString(16).padStart(2, '0')}`
    const { namespace, remove } = await newNamespace(`${this.#prefix}${name}`, this.#teardown, this.#leftovers)
    this.#removals.set(name, async () => {
      // An experiment may still have a program in the namespace, which keeps its interfaces.
      await this.node.run('ip', ['link', 'delete', `veth${number}`])
      await remove()
      this.#numbers.release(number)
    })
    await this.node.configure(
      `link add veth${number} type veth peer name eth0 address ${mac} netns ${namespace.name}`,
      `link set veth${number} master cni0 up`,
    )
    await namespace.configure(`address add ${ip}/24 dev eth0`, 'link set eth0 up', `route add default via ${BRIDGE_IP}`)
    return { namespace, ip }
  }

  /** Removes the namespace of a Pod, and its address is free again. */
  async removePod(name: string): Promise<void> {
    const remove = this.#removals.get(name)
    this.#removals.delete(name)
    await remove?.()
  }
}

/** A namespace, and what deletes it before the teardown does. */
async function newNamespace(
  name: string,
  teardown: Teardown,
  leftovers: LeftoverRecord,
): Promise<{ namespace: NetworkNamespace; remove: () => Promise<void> }> {
  leftovers.reserve(name)
  const namespace = await NetworkNamespace.create(name)
  const remove = (): Promise<void> => namespace.delete()
  await teardown.add(remove)
  return {
    namespace,
    remove: () => {
      teardown.remove(remove)
      return remove()
    },
  }
}

/** Starts a program of the demo and waits until it prints that it is ready. The teardown kills it. */
export async function startProgram(
  namespace: NetworkNamespace,
  file: string,
  args: readonly string[],
  teardown: Teardown,
): Promise<ChildProcess> {
  const child = namespace.spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  await endWith(teardown, child)
  // Writing to a program that was killed fails; this is no error of the demo.
  child.stdin!.on('error', () => undefined)
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${file} exited before it was ready`))),
  ])
  return child
}

/** Has the teardown end a process. It forgets a process that has exited: the demo may start thousands. */
export async function endWith(teardown: Teardown, child: ChildProcess): Promise<void> {
  const end = (): Promise<void> => endProcess(child)
  child.once('exit', () => teardown.remove(end))
  await teardown.add(end)
}

/** Kills a process if it still runs, and waits for its exit. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
