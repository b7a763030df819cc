import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Test } from 'tap'
import { type CommandResult } from '../../../lib/system/command.js'
import { type DoctorReport } from '../../../lib/doctor/doctor-report.js'
import { ManifestFolder } from '../api/manifests.js'
import { NodeNetwork, WITHOUT_TAP_LOADER } from '../nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { NodeProcess } from '../nodes/node-process.js'
import { PROXY_MODE } from '../processes/proxy-mode.js'
import { PROXY_PROGRAM, ProxyProcess } from '../processes/proxy-process.js'
import { type DoctorRequest } from './doctor-request.js'
import { type DoctoredService, doctoredServices, namesInDns } from './doctored-services.js'

const DNS_SERVER = fileURLToPath(new URL('../../../lib/demo/dns-server.js', import.meta.url))
const NODE = 'this-node'
const FILL_MS = 120_000 * TIMEOUT_FACTOR
const RUN_MS = 60_000 * TIMEOUT_FACTOR
/** On a busy machine, a second may not be enough for a healthy endpoint. */
export const PATIENCE = ['--patience', String(Math.min(600, 10 * TIMEOUT_FACTOR))]

/** A node with the Services of the doctor's tests, a proxy, a cluster DNS, and a doctor that stays to be asked. */
export class DoctorNode {
  readonly network: NodeNetwork
  readonly services: readonly DoctoredService[]
  /** What the proxy reads. */
  readonly manifests: ManifestFolder
  /** A file with all objects, also Pods. */
  readonly file: string
  readonly socket: string
  /** What is in the file. */
  readonly objects: readonly object[]
  readonly #doctor: NodeProcess

  static async create(t: Test): Promise<DoctorNode> {
    const network = await NodeNetwork.create(t)
    const here = await network.addServer('here')
    const there = await network.addServer('there')
    const dns = await network.addPod()
    const far = await network.addNode()
    const pods = { here: here.ip, there: there.ip, here6: here.ip6, far: far.podIP, dns: dns.ip }
    // The Pod on the other node serves too.
    const server = network.start(far.pod, process.execPath, [POD_SERVER, 'far'])
    const services = doctoredServices(pods)
    const names = namesInDns(services)
    const resolver = network.start(dns.namespace, process.execPath, [DNS_SERVER, 'dns', 'svc.cluster.local', ...names])
    await Promise.all([once(server.stdout!, 'data'), once(resolver.stdout!, 'data')])
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    return new DoctorNode(network, services, new ManifestFolder(t), folder)
  }

  private constructor(
    network: NodeNetwork,
    services: readonly DoctoredService[],
    manifests: ManifestFolder,
    folder: string,
  ) {
    this.network = network
    this.services = services
    this.manifests = manifests
    this.file = join(folder, 'all.json')
    this.socket = join(folder, 'status.sock')
    const served = services.flatMap(service => service.objects).map(inKubeSystem)
    this.objects = [...served, ...services.flatMap(({ pods }) => pods).map(inKubeSystem)]
    manifests.write(...served)
    writeFileSync(this.file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: this.objects }))
    this.#doctor = new NodeProcess(network, 'doctor/doctor-entry')
  }

  /** Starts a proxy; resolves when it serves. */
  async start(flags: readonly string[] = [], env = process.env): Promise<ProxyProcess> {
    const args = ['--manifests', this.manifests.path, '--hostname-override', NODE, '--status-socket', this.socket]
    const proxy = new ProxyProcess(this.network, [...args, '--cluster-cidr=10.244.0.0/15', ...flags], env)
    await proxy.waitForLine(/Serving the status API/)
    for (const family of ['IPv4', 'IPv6'])
      await proxy.waitForLine(
        new RegExp(
          PROXY_MODE === 'ipvs' ? `Synced virtual servers" family="${family}` : `Synced rules" family="${family}`,
        ),
      )
    return proxy
  }

  /** Asks the doctor, by default with the objects and the proxy. */
  async ask(service: string, request: Partial<DoctorRequest> = {}): Promise<DoctorReport> {
    const namespace = service === 'kube-dns' ? 'kube-system' : 'default'
    const line = await this.#doctor.sendCommand({
      ...{ name: { namespace, name: service }, socket: this.socket, manifests: [this.file] },
      ...request,
    })
    const report = JSON.parse(line) as DoctorReport & { readonly error?: string }
    if (report.error !== undefined) throw new Error(report.error)
    return report
  }

  /** Fills a share of the table of conntrack, whose size only the first namespace of the machine can change. */
  async fillConntrack(share: number): Promise<void> {
    const limit = Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8'))
    const lines = Array.from({ length: Math.ceil(share * limit) }, (_, index) => {
      const client = `172.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
      const reply = `-r 198.18.0.1 -q ${client} --reply-port-src 53 --reply-port-dst 1000`
      return `-I -p udp -s ${client} -d 198.18.0.1 --sport 1000 --dport 53 ${reply} -t 600`
    })
    const file = join(dirname(this.file), 'flows')
    writeFileSync(file, `${lines.join('\n')}\n`)
    const { exitCode, stderr } = await this.network.node.run('conntrack', ['-R', file], { timeoutMs: FILL_MS })
    if (exitCode !== 0) throw new Error(`conntrack -R: ${stderr}`)
  }

  /** Runs the command on the node. @param env as `NAME=VALUE`, or `-u NAME` in two words */
  run(args: readonly string[], env: readonly string[] = ['LC_ALL=C.UTF-8']): Promise<CommandResult> {
    const command = [...WITHOUT_TAP_LOADER, ...env, process.execPath, PROXY_PROGRAM, 'doctor', ...PATIENCE, ...args]
    return this.network.node.run('env', command, { timeoutMs: RUN_MS })
  }

  /** Writes a kubeconfig for a server. @returns its path */
  writeKubeconfig(server: string): string {
    const path = join(dirname(this.file), 'kubeconfig')
    const [name, cluster] = ['test', { server }]
    const clusters = [{ name, cluster }]
    const contexts = [{ name, context: { cluster: name, user: name } }]
    const content = { apiVersion: 'v1', kind: 'Config', clusters, contexts, users: [{ name, user: {} }] }
    writeFileSync(path, JSON.stringify({ ...content, 'current-context': name }))
    return path
  }

  /** Runs iptables on the node. */
  async iptables(...args: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.network.node.run('iptables', args)
    if (exitCode !== 0) throw new Error(`iptables ${args.join(' ')}: ${stderr}`)
  }
}

const POD_SERVER = fileURLToPath(new URL('../pods/pod-server.js', import.meta.url))

/** The cluster DNS is where each cluster has it. */
function inKubeSystem(object: object): object {
  const { metadata } = object as { readonly metadata: { readonly name: string } }
  return metadata.name.startsWith('kube-dns')
    ? { ...object, metadata: { ...metadata, namespace: 'kube-system' } }
    : object
}
