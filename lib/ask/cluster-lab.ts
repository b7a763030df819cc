import { setTimeout } from 'node:timers/promises'
import { type DemoService, type Pod } from '../demo/cluster-objects.js'
import { type DemoCluster } from '../demo/demo-cluster.js'
import { NODE_IP, OUTSIDE_IP, endProcess } from '../demo/demo-network.js'
import { DEMO_NODE_NAME } from '../demo/demo-node-name.js'
import { DNS_SERVICE, EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE, SEARCH_DOMAIN } from '../demo/example-objects.js'
import { KUBE_PROXY_PROGRAM } from '../demo/kube-proxy-program.js'
import { type NetworkNamespace } from '../demo/network-namespace.js'
import { type Teardown } from '../demo/teardown.js'
import { modeByName } from '../modes/registry.js'
import { commandText, quoteWord } from './command-text.js'
import { type Lab, type Place, type Ran, type Running } from './lab.js'

/** How often and how long `until` looks. */
const LOOKS = { pauseMs: 20, maxMs: 10_000 }
/** What the example does not have. */
const NOTHING_MORE = { spec: undefined, status: undefined, nodeName: undefined }
/** The mode in which every experiment begins. */
const START_MODE = 'userspace'
/**
 * Puts the resolver of a Pod in place of that of the machine, for one command. An empty `/etc`, since `/etc/resolv.conf` may be a link to a
 * file that does not exist here.
 */
const AS_IN_POD = `mount -t tmpfs none /etc && printf 'nameserver %s\\nsearch %s\\noptions ndots:5\\n' ${DNS_SERVICE.clusterIP} ${SEARCH_DOMAIN} > /etc/resolv.conf && exec sh -c "$0"`

/** Experiments in the cluster of the demo. After its teardown has begun, every method throws, so that the experiment ends. */
export class ClusterLab implements Lab {
  readonly nodeIP = NODE_IP
  readonly outsideIP = OUTSIDE_IP
  readonly nodeName = DEMO_NODE_NAME
  readonly #cluster: DemoCluster
  readonly #teardown: Teardown
  /** The names of Pods that were killed. */
  readonly #killed = new Set<string>()
  /** What a reset has to undo, in the order in which it was done. */
  readonly #undos = new Set<() => Promise<void>>()
  #isStopped = false
  /** More environment variables of the proxy, as JSON. */
  #env = '{}'

  /** @param teardown of the cluster: it also ends the programs that experiments start */
  constructor(cluster: DemoCluster, teardown: Teardown) {
    this.#cluster = cluster
    this.#teardown = teardown
  }

  get clientIP(): string {
    return this.#cluster.client.ip
  }

  get service(): DemoService {
    return this.#cluster.services.find(({ name }) => name === EXAMPLE_SERVICE.name)!
  }

  get pods(): readonly Pod[] {
    return this.#cluster.podsOf(EXAMPLE_DEPLOYMENT.name)
  }

  get deadPods(): readonly Pod[] {
    return this.pods.filter(({ name }) => this.#killed.has(name))
  }

  get dnsService(): DemoService {
    return this.#cluster.services.find(({ name }) => name === DNS_SERVICE.name)!
  }

  get mode(): string {
    return this.#cluster.mode.name
  }

  /** Whether the API server of the cluster is away; undefined: the proxy watches none. */
  get isApiAway(): boolean | undefined {
    return this.#cluster.isApiAway
  }

  async reset(): Promise<void> {
    if (this.isApiAway === true) await this.setApiAway(false)
    for (const undo of [...this.#undos].reverse()) await undo()
    await this.setMode(START_MODE)
    if (JSON.stringify(this.service) !== JSON.stringify(EXAMPLE_SERVICE))
      await this.#cluster.changeService(EXAMPLE_SERVICE.name, { ...NOTHING_MORE, ...EXAMPLE_SERVICE })
    for (const pod of this.deadPods) await this.replace(pod)
    for (const pod of this.pods) if (pod.isReady === false) await this.#cluster.setReady(pod, true)
    if (this.pods.length !== EXAMPLE_DEPLOYMENT.replicas) await this.scale(EXAMPLE_DEPLOYMENT.replicas)
  }

  undoLater(undo: () => Promise<unknown>): () => Promise<void> {
    const undoOnce = async (): Promise<void> => {
      if (!this.#undos.has(undoOnce)) return
      await undo()
      this.#undos.delete(undoOnce)
    }
    this.#undos.add(undoOnce)
    return undoOnce
  }

  async run(where: Place, program: string, ...args: readonly string[]): Promise<Ran> {
    this.#teardown.throwIfEnded()
    const { stdout, stderr, exitCode } = await this.#namespace(where).run(program, args)
    // What it prints in a cluster that is being removed proves nothing.
    this.#teardown.throwIfEnded()
    return { ...this.#shown(where, program, args), output: `${stdout}${stderr}`.trimEnd(), exitCode }
  }

  async shell(where: Place, line: string): Promise<Ran> {
    return { ...(await this.run(where, 'sh', '-c', line)), command: line }
  }

  async podShell(line: string): Promise<Ran> {
    return { ...(await this.run('client', 'unshare', '--mount', 'sh', '-c', AS_IN_POD, line)), command: line }
  }

  async status(...words: readonly string[]): Promise<Ran> {
    const args = ['status', ...words, '--status-socket', this.#cluster.statusSocket]
    const ran = await this.run('node', process.execPath, KUBE_PROXY_PROGRAM, ...args)
    return { ...ran, command: commandText('kube-proxy', args) }
  }

  async check(mode: string): Promise<Ran> {
    const args = ['check', `--proxy-mode=${mode}`]
    // It tries many things, so it may take longer than `run` waits.
    const ran = await this.start('node', process.execPath, KUBE_PROXY_PROGRAM, ...args).ended
    this.#teardown.throwIfEnded()
    return { ...ran, command: commandText('kube-proxy', args) }
  }

  start(where: Place, program: string, ...args: readonly string[]): Running {
    this.#teardown.throwIfEnded()
    const child = this.#namespace(where).spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    void this.#teardown.add(() => endProcess(child))
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (output += String(chunk)))
    const shown = this.#shown(where, program, args)
    const ended = new Promise<Ran>((resolve, reject) =>
      child
        .on('error', reject)
        .on('close', exitCode => resolve({ ...shown, output: output.trimEnd(), exitCode: exitCode ?? 128 })),
    )
    const stop = this.undoLater(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const soFar = (): Ran => ({ ...shown, output: output.trimEnd(), exitCode: child.exitCode ?? 128 })
    return { ended, soFar, stop }
  }

  async until(isWanted: (ran: Ran) => boolean, look: () => Promise<Ran>): Promise<Ran> {
    const end = performance.now() + LOOKS.maxMs
    for (;;) {
      const ran = await look()
      if (isWanted(ran)) return ran
      if (performance.now() > end) throw new Error(`"${ran.command}" still prints:\n${ran.output}`)
      await setTimeout(LOOKS.pauseMs)
    }
  }

  async scale(replicas: number): Promise<Ran> {
    await this.#cluster.scale(EXAMPLE_DEPLOYMENT.name, replicas)
    return this.#lever(`kubectl scale deployment ${EXAMPLE_DEPLOYMENT.name} --replicas=${replicas}`)
  }

  async changeService(change: Partial<DemoService>, command: string): Promise<Ran> {
    await this.#cluster.changeService(EXAMPLE_SERVICE.name, change)
    return this.#lever(command)
  }

  async kill(pod: Pod): Promise<Ran> {
    const { process } = this.#cluster.pods.find(({ name }) => name === pod.name)!
    await this.#cluster.kill(pod)
    this.#killed.add(pod.name)
    return { ...this.#lever(`kill -9 ${process.pid}`), where: 'node' }
  }

  async setReady(pod: Pod, isReady: boolean): Promise<Ran> {
    await this.#cluster.setReady(pod, isReady)
    return this.#lever(`kubectl get pod ${pod.name}`)
  }

  async replace(pod: Pod): Promise<Ran> {
    await this.#cluster.replace(pod)
    this.#killed.delete(pod.name)
    return this.#lever('kubectl get pods --watch')
  }

  async setMode(mode: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const isAsWanted = !this.#isStopped && mode === this.mode && JSON.stringify(env) === this.#env
    // If the restart fails, the next call has to try again.
    this.#isStopped = true
    this.#env = JSON.stringify(env)
    if (!isAsWanted) await this.#cluster.restartProxy(modeByName(mode), env)
    this.#isStopped = false
    const variables = Object.entries(env).map(([name, value]) => `${name}=${quoteWord(value)} `)
    return { ...this.#lever(`${variables.join('')}kube-proxy --proxy-mode=${mode}`), where: 'node' }
  }

  async setApiAway(isAway: boolean): Promise<void> {
    await this.#cluster.setApiAway(isAway)
    this.#teardown.throwIfEnded()
  }

  async stopProxy(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ran> {
    this.#isStopped = true
    await this.#cluster.stopProxy(signal)
    return { ...this.#lever(`pkill ${signal === 'SIGKILL' ? '-9 ' : ''}kube-proxy`), where: 'node' }
  }

  #lever(command: string): Ran {
    this.#teardown.throwIfEnded()
    return { where: 'cluster', command, output: '', exitCode: 0, isLever: true }
  }

  #shown(where: Place, program: string, args: readonly string[]): Pick<Ran, 'where' | 'command'> {
    return {
      where: typeof where === 'string' ? where : where.name,
      command: commandText(program, args),
    }
  }

  #namespace(where: Place): NetworkNamespace {
    if (where === 'node') return this.#cluster.network.node
    if (where === 'outside') return this.#cluster.network.outside
    if (where === 'client') return this.#cluster.client.namespace
    return this.#cluster.pods.find(({ name }) => name === where.name)!.namespace
  }
}
