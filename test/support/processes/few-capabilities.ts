import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import type { Test } from 'tap'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork } from '../nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { PROXY_PROGRAM } from './proxy-process.js'

const LOG_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR
const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30_080 }
const DNS = { clusterIP: '10.96.0.11', port: 53, protocol: 'UDP' } as const
/** It looks for rules in both back ends of iptables. */
const CLEANUP_CAPABILITIES = ['net_admin', 'net_raw']
/** Chains that belong to the kubelet too. */
const OF_KUBELET = /KUBE-(IPTABLES-HINT|FIREWALL) /
const OTHER_USER = ['--reuid=65534', '--regid=65534', '--clear-groups']

/** What a mode needs with a back end of iptables, and no more. */
export interface CapabilityNeed {
  readonly mode: string
  readonly backEnd: 'nft' | 'legacy'
  readonly capabilities: readonly string[]
}

/** A proxy that has only the capabilities that a test gives it. */
interface LimitedProxy {
  readonly child: ChildProcess
  readonly log: ProgramLog
  readonly stop: () => Promise<void>
}

/** A node on which a proxy of one mode, with one back end, is started with few capabilities. */
export class LimitedNode {
  readonly network: NodeNetwork
  readonly #need: CapabilityNeed
  readonly #client: NetworkClient
  readonly #folder: ManifestFolder
  readonly #through: readonly string[]

  private constructor(
    need: CapabilityNeed,
    network: NodeNetwork,
    client: NetworkClient,
    folder: ManifestFolder,
    through: readonly string[],
  ) {
    this.#need = need
    this.network = network
    this.#client = client
    this.#folder = folder
    this.#through = through
  }

  /** A node with two Services and their Pod. @param through a command that starts the proxy, with what the proxy sees of the node */
  static async create(t: Test, need: CapabilityNeed, through: readonly string[] = []): Promise<LimitedNode> {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = new ManifestFolder(t)
    folder.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', [server.ip], 8080),
      makeServiceManifest('dns', DNS),
      makeSliceManifest('dns', [server.ip], 5353, 'UDP'),
    )
    // The hint of the kubelet decides which back end the proxy uses. To write it loads ip_tables and ip6_tables, which the proxy may not.
    if (need.backEnd === 'legacy')
      for (const program of ['iptables-legacy', 'ip6tables-legacy'])
        await network.node.run(program, ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
    return new LimitedNode(need, network, client, folder, through)
  }

  /** Starts a proxy with what its mode needs. @param missing what it does not get of that */
  start(missing?: string, asUser: 'root' | 'other' = 'root', onExit = 'keep'): LimitedProxy {
    if (asUser === 'other') chmodSync(this.#folder.path, 0o755)
    const flags = [
      '--manifests',
      this.#folder.path,
      `--proxy-mode=${this.#need.mode}`,
      '--hostname-override=this-node',
      '-v=2',
    ]
    const allowed = this.#need.capabilities.filter(name => name !== missing)
    const [program, ...words] = this.#command(allowed, asUser, [...flags, `--on-exit=${onExit}`])
    const child = this.network.start(this.network.node, program, words)
    const stop = async (): Promise<void> => {
      if (child.exitCode !== null || !child.kill('SIGTERM')) return
      await once(child, 'exit')
    }
    return { child, log: new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS), stop }
  }

  /** The program with few capabilities. */
  #command(capabilities: readonly string[], asUser: 'root' | 'other', flags: readonly string[]): [string, ...string[]] {
    const set = ['-all', ...capabilities.map(name => `+${name}`)].join(',')
    // Another user than root has only capabilities that are ambient.
    const user = asUser === 'root' ? ['--ambient-caps=-all'] : [`--ambient-caps=${set}`, ...OTHER_USER]
    const limited = ['setpriv', `--bounding-set=${set}`, `--inh-caps=${set}`, ...user, process.execPath, PROXY_PROGRAM]
    return [...this.#through, ...limited, ...flags] as [string, ...string[]]
  }

  /** Tests that --cleanup removes the rules that a proxy has kept, with the capabilities of the manifests, but not without any that the mode needs. */
  async testCleanup(t: Test): Promise<void> {
    const { mode, backEnd, capabilities: needed } = this.#need
    await t.test(
      `--cleanup after ${mode} mode with ${backEnd} needs ${CLEANUP_CAPABILITIES.join(' and ')}`,
      async t => {
        const chains = async () =>
          (await this.network.node.run(`iptables-${backEnd}-save`, [])).stdout
            .split('\n')
            .filter(line => line.startsWith(':KUBE-') && !OF_KUBELET.test(line))
        const cleanUp = (capabilities: readonly string[]) => {
          const [program, ...words] = this.#command(capabilities, 'root', ['--cleanup'])
          return this.network.node.run(program, words, { timeoutMs: LOG_TIMEOUT_MS })
        }
        t.not((await chains()).length, 0)
        for (const missing of needed) {
          const { exitCode } = await cleanUp(CLEANUP_CAPABILITIES.filter(name => name !== missing))
          t.equal(exitCode, 1, `fails without ${missing}`)
          t.not((await chains()).length, 0)
        }
        const { exitCode, stderr } = await cleanUp(CLEANUP_CAPABILITIES)
        t.equal(exitCode, 0, stderr)
        t.same(await chains(), [])
      },
    )
  }

  /** Tests that a proxy serves with what its mode needs, and no more. */
  async testServing(t: Test): Promise<void> {
    const { mode, backEnd, capabilities } = this.#need
    await t.test(`${mode} mode with ${backEnd} serves with ${capabilities.join(' and ')}`, async t => {
      const { log, stop } = this.start()
      t.match(await log.waitFor(/"Using iptables"/), new RegExp(`backEnd="${backEnd}"`))
      await log.waitFor(/"Synced rules" family="IPv4"/)
      await this.checkTraffic(t)
      t.notMatch(log.lines.join('\n'), /EPERM|Permission denied|not permitted/)
      await stop()
    })
  }

  /** Tests that a proxy without one of its capabilities says what is missing. */
  async testWithout(t: Test, capability: string, message: RegExp): Promise<void> {
    const { mode, backEnd } = this.#need
    await t.test(`${mode} mode with ${backEnd} says what is missing without ${capability}`, async t => {
      const { log, stop } = this.start(capability)
      t.match(await log.waitFor(message), message)
      await stop()
    })
  }

  /** Both Services answer. */
  async checkTraffic(t: Test): Promise<void> {
    t.equal(await this.#client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.equal(await this.#client.tcp(NODE_IP, WEB.nodePort), 'a')
    t.match(await this.#client.udp(DNS.clusterIP, DNS.port), { answer: /^a/ })
  }
}
