import { type ChildProcess } from 'node:child_process'
import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { NodeNetwork, type TeardownScope } from '../../../test/support/nodes/node-network.js'
import { BenchClient } from '../client/bench-client.js'
import { startPodServers } from './pod-servers.js'
import { POD_IPS } from './bench-service.js'

/**
 * Many short connections use up resources outside the proxy: ports and entries of connection tracking. So ports are
 * reused soon, and entries time out soon.
 */
const SYSCTLS = ['net.ipv4.tcp_tw_reuse=1', 'net.ipv4.ip_local_port_range=1024 65535']
const NODE_SYSCTLS = [
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1',
  'net.netfilter.nf_conntrack_tcp_timeout_close=1',
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait=5',
  'net.netfilter.nf_conntrack_tcp_timeout_fin_wait=5',
]

/**
 * The network of one contender, without a connection to other networks: a client, the node that serves Services, and the Pods.
 *
 *     client 192.168.60.9 ── 192.168.60.1 node 10.244.0.1 ── Pods 10.244.0.2, .3 and .4
 */
export class Testbed {
  readonly network: NodeNetwork
  /** Sends loads that existing programs do not have. */
  readonly client: BenchClient
  readonly clientNamespace: NetworkNamespace
  /** Of all Pods. */
  readonly podNamespace: NetworkNamespace

  private constructor(network: NodeNetwork, clientNamespace: NetworkNamespace, podNamespace: NetworkNamespace) {
    this.network = network
    this.clientNamespace = clientNamespace
    this.podNamespace = podNamespace
    this.client = new BenchClient(network, clientNamespace)
  }

  static async create(t: TeardownScope): Promise<Testbed> {
    const network = await NodeNetwork.create(t)
    const pod = await network.addPod()
    if (pod.ip !== POD_IPS[0]) throw new Error(`The first Pod is ${pod.ip}: the benchmark expects ${POD_IPS[0]}`)
    await pod.namespace.configure(...POD_IPS.slice(1).map(ip => `address add ${ip}/24 dev eth0`))
    const host = await network.addHost()
    for (const namespace of [network.node, pod.namespace, host.namespace])
      await namespace.run('sysctl', ['-qw', ...SYSCTLS])
    await startPodServers(t, network, pod.namespace)
    return new Testbed(network, host.namespace, pod.namespace)
  }

  /** Settings that exist only while connection tracking is loaded, which every contender except `direct` does. */
  async shortenConntrackTimes(): Promise<void> {
    await this.network.node.run('sysctl', ['-qw', ...NODE_SYSCTLS])
  }

  /**
   * Runs a program at the client and waits for its exit.
   * @param limitMs time limit in milliseconds
   * @returns its standard output
   */
  async runOnClient(program: string, args: readonly string[], limitMs: number): Promise<string> {
    const { exitCode, stdout, stderr } = await this.clientNamespace.run(program, args, { timeoutMs: limitMs })
    if (exitCode === 0) return stdout
    throw new Error(`"${program} ${args.join(' ')}" ended with ${exitCode}: ${(stderr + stdout).trim().slice(-600)}`)
  }

  /** Starts a program on the node; the end of the testbed kills it. */
  startOnNode(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess {
    return this.network.start(this.network.node, program, args, env)
  }
}
