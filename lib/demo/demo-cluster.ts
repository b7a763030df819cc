import { type ChildProcess } from 'node:child_process'
import { chmod, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import { DNS_DEPLOYMENT, DNS_SERVICE, SEARCH_DOMAIN } from './example-objects.js'
import { type Mode } from '../modes/mode.js'
import { makeTemporaryFolder } from '../system/make-temporary-folder.js'
import { DemoApiServer } from './demo-api-server.js'
import { DemoClient, type RequestOutcome } from './demo-client.js'
import { type Deployment, type DemoService, type Pod, selects, targetPortOf } from './cluster-objects.js'
import { DemoNetwork, endProcess, startProgram } from './demo-network.js'
import { type DemoObjects, DemoProxy } from './demo-proxy.js'
import { type NetworkNamespace } from './network-namespace.js'
import { type LeftoverRecord } from './leftover-record.js'
import { type Teardown, settleAll } from './teardown.js'

const programPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/**
 * The cluster of the demo. It does what Kubernetes does beside kube-proxy: it starts the Pods of Deployments (one process in one
 * network namespace each), creates EndpointSlices for Services, and writes all objects to a manifest. The real kube-proxy runs in
 * the network namespace of the node and reads the manifest again when it changes, or watches an API server that has these objects.
 */
export class DemoCluster {
  readonly network: DemoNetwork
  readonly services: DemoService[]
  readonly deployments: Deployment[]
  readonly pods: (Pod & { readonly process: ChildProcess; readonly namespace: NetworkNamespace })[] = []
  readonly client: DemoClient
  readonly #teardown: Teardown
  readonly #lastPodNumbers = new Map<string, number>()
  readonly #proxy: DemoProxy

  private constructor(
    network: DemoNetwork,
    client: DemoClient,
    proxy: DemoProxy,
    deployments: readonly Deployment[],
    services: readonly DemoService[],
    teardown: Teardown,
  ) {
    this.network = network
    this.client = client
    this.#proxy = proxy
    this.deployments = [DNS_DEPLOYMENT, ...deployments]
    this.services = [DNS_SERVICE, ...services]
    this.#teardown = teardown
  }

  /**
   * Starts network, client, Pods and proxy. Resolves when the proxy serves the Services.
   * @param hasApiServer whether the proxy watches an API server, which can go away
   */
  static async start(
    prefix: string,
    mode: Mode,
    deployments: readonly Deployment[],
    services: readonly DemoService[],
    teardown: Teardown,
    leftovers: LeftoverRecord,
    hasApiServer = false,
  ): Promise<DemoCluster> {
    // Synchronous, so that no interruption can come between creating the folder and recording it.
    const folder = makeTemporaryFolder('kube-proxy-demo-')
    leftovers.record({ folder })
    await teardown.add(() => rm(folder, { recursive: true }))
    // A user may read the manifest from another terminal.
    await chmod(folder, 0o755)
    const network = await DemoNetwork.create(prefix, teardown, leftovers)
    const { namespace, ip } = await network.addPod('client')
    const client = await DemoClient.start(namespace, ip, teardown)
    const api = hasApiServer ? await DemoApiServer.start(network.node, teardown) : undefined
    const cluster = new DemoCluster(
      network,
      client,
      new DemoProxy(network.node, folder, mode, teardown, api),
      deployments,
      services,
      teardown,
    )
    await settleAll(cluster.deployments.map(deployment => cluster.#reconcile(deployment)))
    await cluster.#proxy.start(cluster.#objects())
    return cluster
  }

  /** The file that the proxy reads. */
  get manifest(): string {
    return this.#proxy.manifest
  }

  podsOf(deployment: string): readonly Pod[] {
    return this.pods.filter(pod => pod.deployment === deployment)
  }

  /** The Pods that a Service selects. */
  podsOfService(service: DemoService): readonly Pod[] {
    const names = this.deployments.filter(deployment => selects(service, deployment)).map(({ name }) => name)
    return this.pods.filter(pod => names.includes(pod.deployment))
  }

  /** Sets the number of replicas. Resolves when the Pods run and the proxy has programmed them. */
  async scale(name: string, replicas: number): Promise<void> {
    const index = this.deployments.findIndex(deployment => deployment.name === name)
    this.deployments[index] = { ...this.deployments[index]!, replicas }
    const removed = await this.#reconcile(this.deployments[index])
    await this.#proxy.apply(this.#objects())
    await this.#deletePods(removed)
  }

  /** Changes a Service. Resolves when the proxy has programmed the change. */
  async changeService(name: string, change: Partial<DemoService>): Promise<void> {
    const index = this.services.findIndex(service => service.name === name)
    this.services[index] = { ...this.services[index]!, ...change }
    await this.#proxy.apply(this.#objects())
  }

  /** Where the proxy answers `kube-proxy status`. */
  get statusSocket(): string {
    return this.#proxy.statusSocket
  }

  get mode(): Mode {
    return this.#proxy.mode
  }

  /**
   * Ends the proxy at once, and starts it in this mode. Resolves when it serves the Services.
   * @param env more environment variables for it
   */
  restartProxy(mode: Mode, env: NodeJS.ProcessEnv = {}): Promise<void> {
    return this.#proxy.restart(mode, this.#objects(), env)
  }

  /** Ends the proxy. */
  stopProxy(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    return this.#proxy.stop(signal)
  }

  /** Whether the API server is away; undefined: the proxy watches none. */
  get isApiAway(): boolean | undefined {
    return this.#proxy.isApiAway
  }

  /** Resolves when the proxy has noticed, and serves what has changed meanwhile. */
  setApiAway(isAway: boolean): Promise<void> {
    return this.#proxy.setApiAway(isAway)
  }

  /** Has the readiness probe of a Pod fail, or succeed again. Resolves when the proxy has programmed the change. */
  async setReady(pod: Pod, isReady: boolean): Promise<void> {
    const index = this.pods.findIndex(({ name }) => name === pod.name)
    this.pods[index] = { ...this.pods[index]!, isReady }
    await this.#proxy.apply(this.#objects())
  }

  /** Kills the process of a Pod. Its endpoint stays listed, as in a real cluster that has not noticed yet. */
  async kill(pod: Pod): Promise<void> {
    await endProcess(this.pods.find(({ name }) => name === pod.name)!.process)
  }

  /** Does what a cluster does some time after a Pod has died: removes its endpoint and starts a new Pod. */
  async replace(pod: Pod): Promise<void> {
    await this.kill(pod)
    this.#removePod(pod.name)
    await this.#reconcile(this.deployments.find(({ name }) => name === pod.deployment)!)
    await this.#proxy.apply(this.#objects())
    await this.#deletePods([pod])
  }

  /** Sends a command to the client and returns the outcome; see client-program.ts. */
  sendCommand(command: object): Promise<RequestOutcome> {
    return this.client.send(command)
  }

  /** Has a Pod answer each request so many milliseconds later. Resolves when it does. @throws Error if it was killed */
  async delayAnswers(pod: Pod, delayMs: number): Promise<void> {
    const { process } = this.pods.find(({ name }) => name === pod.name)!
    if (!this.isAlive(pod)) throw new Error(`Pod ${pod.name} was killed: it cannot answer later`)
    const settled = new AbortController()
    const { signal } = settled
    try {
      const taken = once(process.stdout!, 'data', { signal }).then(() => true)
      const ended = once(process, 'exit', { signal }).then(() => false)
      process.stdin!.write(`${delayMs}\n`)
      if (!(await Promise.race([taken, ended]))) throw new Error(`Pod ${pod.name} was killed before it took the delay`)
    } finally {
      settled.abort()
    }
  }

  /** Whether the process of a Pod runs. A user may have killed it, too. */
  isAlive(pod: Pod): boolean {
    const process = this.pods.find(({ name }) => name === pod.name)?.process
    return process !== undefined && process.exitCode === null && process.signalCode === null
  }

  /** Starts missing Pods of a Deployment, or removes the newest surplus Pods. @returns those that it has removed */
  async #reconcile(deployment: Deployment): Promise<readonly Pod[]> {
    const present = this.podsOf(deployment.name)
    const surplus = present.slice(deployment.replicas)
    for (const pod of surplus) {
      await this.kill(pod)
      this.#removePod(pod.name)
    }
    const missing = Math.max(0, deployment.replicas - present.length)
    const names = Array.from({ length: missing }, () => {
      const number = (this.#lastPodNumbers.get(deployment.name) ?? 0) + 1
      this.#lastPodNumbers.set(deployment.name, number)
      return `${deployment.name}-${number}`
    })
    const started = await settleAll(names.map(name => this.#startPod(name, deployment)))
    this.pods.push(...started.sort((a, b) => (a.name < b.name ? -1 : 1)))
    return surplus
  }

  /** Deletes the namespaces of Pods that the proxy no longer uses. */
  async #deletePods(pods: readonly Pod[]): Promise<void> {
    for (const { name } of pods) await this.network.removePod(name)
  }

  async #startPod(name: string, deployment: Deployment): Promise<DemoCluster['pods'][number]> {
    const { namespace, ip } = await this.network.addPod(name)
    const isDns = deployment.name === DNS_DEPLOYMENT.name
    const args = isDns
      ? [name, SEARCH_DOMAIN, ...this.services.map(service => `${service.name}=${service.clusterIP}`)]
      : [name, ip, ...this.#listenPortsOf(deployment)]
    const process = await startProgram(
      namespace,
      programPath(isDns ? 'dns-server.js' : 'pod-server.js'),
      args,
      this.#teardown,
    )
    return { name, ip, deployment: deployment.name, process, namespace }
  }

  /** The ports of the Pods of a Deployment: its container ports, and the target ports of Services. */
  #listenPortsOf(deployment: Deployment): string[] {
    const declared = deployment.ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)
    const targeted = this.services
      .filter(service => selects(service, deployment))
      .flatMap(service => service.ports.map(port => `${targetPortOf(port, deployment) ?? ''}/${port.protocol}`))
    return [...new Set([...declared, ...targeted])].filter(port => !port.startsWith('/'))
  }

  #removePod(name: string): void {
    const index = this.pods.findIndex(pod => pod.name === name)
    if (index >= 0) this.pods.splice(index, 1)
  }

  #objects(): DemoObjects {
    return { deployments: this.deployments, services: this.services, pods: this.pods }
  }
}
