import { type Test } from 'tap'
import { type ObservedServer, parseIpvsText } from '../../../lib/system/ipvs-text.js'
import { makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { OwnPath } from '../processes/own-path.js'
import { ApiNode } from './api-node.js'

/** How often the proxy reads virtual servers, addresses and sets: more often than by default, so that the tests are short. */
const SYNC_PERIOD = '3s'
/**
 * A rule of another program, which uses connection tracking, as on most nodes. It is in a table without rules of the proxy: it stays when
 * those are flushed.
 */
const FOREIGN_RULE = 'iptables -t raw -A PREROUTING -m conntrack --ctstate INVALID -j ACCEPT'

/** How long a script may take on the node. */
const SCRIPT_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR

/** The commands that print what ipvs mode has in the kernel. The interface may be missing. */
const READ_STATE = ['ipvsadm -S -n', 'ipset save', 'ip -o address show dev kube-ipvs0 2>&1 || true'].join('; ')

/** A node in ipvs mode. Its proxy watches an API server, and runs the programs of a PATH of its own. */
export class IpvsNode {
  readonly cluster: ApiNode
  readonly path: OwnPath

  private constructor(cluster: ApiNode, path: OwnPath) {
    this.cluster = cluster
    this.path = path
  }

  static async start(t: Test): Promise<IpvsNode> {
    const path = new OwnPath(t)
    const cluster = await ApiNode.start(t, {
      sourceFlags: url => ['--master', url, `--ipvs-sync-period=${SYNC_PERIOD}`],
      env: path.env,
      mode: 'ipvs',
    })
    const ipvsNode = new IpvsNode(cluster, path)
    await ipvsNode.run(FOREIGN_RULE)
    return ipvsNode
  }

  /** Runs a script on the node as another program would. @returns what it prints */
  async run(script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.cluster.node.network.node.run('sh', ['-c', script], {
      timeoutMs: SCRIPT_TIMEOUT_MS,
    })
    if (exitCode !== 0) throw new Error(`"${script}" ended with exit code ${exitCode}: ${stderr}`)
    return stdout
  }

  /** The same, while the proxy is stopped: it repairs nothing before the script has ended. */
  async runUnrepaired(script: string): Promise<void> {
    const { child } = this.cluster.proxy
    child.kill('SIGSTOP')
    try {
      await this.run(script)
    } finally {
      child.kill('SIGCONT')
    }
  }

  /** From now on, the endpoints of `web` are at these addresses. Those of `dns` stay: a UDP request under way would be lost. */
  async moveWeb(...ips: readonly string[]): Promise<void> {
    await this.cluster.api.sendCommand({ put: [['endpointslices', makeSliceManifest('web', ips, 8080)]] })
  }

  /** From now on, the endpoints of `web` and `dns` are at these addresses. */
  async moveAll(...ips: readonly string[]): Promise<void> {
    const put = this.cluster.node.slices(ips).map(slice => ['endpointslices', slice])
    await this.cluster.api.sendCommand({ put })
  }

  /** The addresses of the Pods to which `web` or `dns` sends new clients, in order. */
  async podsInUse(): Promise<readonly string[]> {
    const { web, dns, nodeIP } = this.cluster.node
    const addresses = [web.clusterIP, dns.clusterIP, nodeIP]
    const servers = (await this.servers()).filter(({ address }) => addresses.includes(address))
    const inUse = servers.flatMap(({ realServers }) => realServers.filter(({ weight }) => weight > 0))
    return [...new Set(inUse.map(({ address }) => address))].sort()
  }

  /** Creates a Service with the Pods `a` and `b`. */
  async createService(name: string, clusterIP: string): Promise<void> {
    const service = makeServiceManifest(name, { clusterIP, port: 80 })
    const slice = makeSliceManifest(name, this.cluster.node.ips, 8080)
    await this.cluster.api.sendCommand({
      put: [
        ['services', service],
        ['endpointslices', slice],
      ],
    })
  }

  /** The virtual servers in the kernel. */
  async servers(): Promise<readonly ObservedServer[]> {
    return parseIpvsText(await this.run('ipvsadm -L -n'))
  }

  /** How many connections each virtual server has had since it was made. */
  async connectionCounts(): Promise<ReadonlyMap<string, number>> {
    const lines = (await this.run('ipvsadm -L -n --stats --exact')).split('\n')
    return new Map(
      lines.flatMap(line => {
        const [, name, count] = /^((?:TCP|UDP) +\S+) +(\d+)/.exec(line) ?? []
        return name === undefined ? [] : [[name, Number(count)]]
      }),
    )
  }

  /**
   * What the proxy has in the kernel: rules in order, and all else sorted. Endpoints that only their open connections use are left out, and so
   * is the random number of each set.
   */
  async kernelState(): Promise<readonly string[]> {
    const isKept = (line: string): boolean => line !== '' && !line.endsWith(' -w 0')
    const rules = (await this.run('iptables-save')).split('\n').filter(line => /^(-A|:KUBE-)/.test(line))
    const state = (await this.run(READ_STATE)).replaceAll(/ initval 0x\w+/g, '')
    return [...state.split('\n').filter(isKept).sort(), ...rules]
  }
}
