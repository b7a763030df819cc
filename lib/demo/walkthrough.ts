import { setTimeout } from 'node:timers/promises'
import { type DemoCluster, type RequestOutcome } from './demo-cluster.js'
import { NODE_IP } from './demo-network.js'
import { type DemoService, type DemoServicePort } from './cluster-objects.js'
import { type ModeWalkthrough } from '../modes/mode-walkthrough.js'
import { type Terminal } from './terminal.js'

/** How often counters that are late are looked at, in milliseconds. */
const COUNTER_POLL_MS = 250

/** The means of every step: things that are done and shown alike. Remembers whether all that was expected came true. */
export class Walkthrough {
  readonly cluster: DemoCluster
  readonly terminal: Terminal
  readonly mode: ModeWalkthrough
  #passed = true

  constructor(cluster: DemoCluster, terminal: Terminal, mode: ModeWalkthrough) {
    this.cluster = cluster
    this.terminal = terminal
    this.mode = mode
  }

  get passed(): boolean {
    return this.#passed
  }

  /** Says whether what was expected came true; the whole demo has failed when it did not. */
  check(good: boolean, text: string): void {
    this.#passed &&= good
    this.terminal.printCheck(good, text)
  }

  /** All objects, as `kubectl get` would list them. */
  showObjects(): void {
    const { deployments, pods, services } = this.cluster
    for (const { name } of pods) this.terminal.assignPodColour(name)
    this.terminal.printTable([
      ['DEPLOYMENT', 'READY', 'IMAGE', 'LABELS'],
      ...deployments.map(({ name, replicas, image, labels }) => [
        name,
        `${this.cluster.podsOf(name).length}/${replicas}`,
        image,
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      ]),
    ])
    this.terminal.printTable([['POD', 'STATUS', 'IP'], ...pods.map(({ name, ip }) => [name, 'Running', ip])])
    this.terminal.printTable([
      ['SERVICE', 'CLUSTER-IP', 'PORT', 'ENDPOINTS'],
      ...services.map(service => [
        service.name,
        service.clusterIP,
        service.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(','),
        this.cluster
          .podsOfService(service)
          .map(({ ip }) => ip)
          .join(',') || '<none>',
      ]),
    ])
  }

  /** What leads the packets, as the node's own programs print it, with the counters. */
  async showRules(): Promise<void> {
    this.terminal.printCommand(`${this.mode.rulesCommand}          # on the node, ${NODE_IP}; what matters of it`)
    this.terminal.printOutput(await this.mode.readRules(this.cluster.network.node))
  }

  /** How many connections or flows were counted for a Service's port. */
  readCount(service: DemoService, port: DemoServicePort): Promise<number> {
    return this.mode.readCount(this.cluster.network.node, { ...port, clusterIP: service.clusterIP })
  }

  /** The same as soon as it is as many as expected, or else when counters have had their time. */
  async waitForCount(service: DemoService, port: DemoServicePort, expected: number): Promise<number> {
    const end = performance.now() + this.mode.counterDelayMs
    let counted = await this.readCount(service, port)
    while (counted !== expected && performance.now() < end) {
      await setTimeout(COUNTER_POLL_MS)
      counted = await this.readCount(service, port)
    }
    return counted
  }

  /** Makes requests and shows who answered each. `during` is called before each, with its number from 1. */
  async sendRequests(
    count: number,
    what: string,
    command: object,
    during: (number: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<RequestOutcome[]> {
    const outcomes: RequestOutcome[] = []
    for (let number = 1; number <= count; number++) {
      await during(number)
      outcomes.push(await this.cluster.sendCommand(command))
    }
    for (const { name } of this.cluster.pods) this.terminal.assignPodColour(name)
    this.terminal.printTable([
      ['#', 'REQUEST', 'ANSWERED BY', 'CLIENT AS THE POD SAW IT'],
      ...outcomes.map(({ pod, saw, error }, index) => [
        String(index + 1),
        what,
        pod ?? `no answer: ${error}`,
        saw ?? '',
      ]),
    ])
    return outcomes
  }
}

/** How many requests each Pod answered, most first: `3 + 3 + 3`. */
export function answersPerPod(outcomes: readonly RequestOutcome[]): number[] {
  const counts = new Map<string, number>()
  for (const { pod } of outcomes) if (pod !== undefined) counts.set(pod, (counts.get(pod) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => b - a)
}
