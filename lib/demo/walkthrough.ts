import { setTimeout } from 'node:timers/promises'
import { type RequestOutcome } from './demo-client.js'
import { type DemoCluster } from './demo-cluster.js'
import { NODE_IP } from './demo-network.js'
import { type DemoService, type DemoServicePort } from './cluster-objects.js'
import { type ModeWalkthrough } from '../modes/mode-walkthrough.js'
import { type Terminal } from '../terminal/terminal.js'

/** How often the demo reads counters that the kernel updates late, in milliseconds. */
const COUNTER_POLL_MS = 250

/** What all steps need: the cluster, the terminal, the mode, and whether all checks have passed so far. */
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

  /** Whether all checks have passed so far. */
  get passed(): boolean {
    return this.#passed
  }

  /** Prints the result of a check. One failed check makes the whole demo fail. */
  check(passed: boolean, text: string): void {
    this.#passed &&= passed
    this.terminal.printCheck(passed, text)
  }

  /** Prints all objects in the form of `kubectl get`. */
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

  /** Prints the rules of the node with their counters. */
  async showRules(): Promise<void> {
    this.terminal.printCommand(`${this.mode.rulesCommand}          # on the node, ${NODE_IP}`)
    this.terminal.printOutput(await this.mode.readRules(this.cluster.network.node))
  }

  /** How many connections or flows the kernel has counted for a port of a Service. */
  readCount(service: DemoService, port: DemoServicePort): Promise<number> {
    return this.mode.readCount(this.cluster.network.node, { ...port, clusterIP: service.clusterIP })
  }

  /** Waits until the count is as expected, at most as long as counters of this mode can be late. @returns the last count */
  async waitForCount(service: DemoService, port: DemoServicePort, expected: number): Promise<number> {
    const end = performance.now() + this.mode.counterDelayMs
    let counted = await this.readCount(service, port)
    while (counted !== expected && performance.now() < end) {
      await setTimeout(COUNTER_POLL_MS)
      counted = await this.readCount(service, port)
    }
    return counted
  }

  /** Sends requests and prints which Pod answered each. Calls `beforeEach` before each one, with its number from 1. */
  async sendRequests(
    count: number,
    what: string,
    command: object,
    beforeEach: (number: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<RequestOutcome[]> {
    const outcomes: RequestOutcome[] = []
    for (let number = 1; number <= count; number++) {
      await beforeEach(number)
      outcomes.push(await this.cluster.sendCommand(command))
    }
    for (const { name } of this.cluster.pods) this.terminal.assignPodColour(name)
    const hasClientIPs = outcomes.some(({ clientIP }) => clientIP !== undefined)
    this.terminal.printTable([
      ['#', 'REQUEST', 'ANSWERED BY', ...(hasClientIPs ? ['CLIENT IP AT THE POD'] : [])],
      ...outcomes.map(({ pod, clientIP, error }, index) => [
        String(index + 1),
        what,
        pod ?? `no answer: ${error}`,
        ...(hasClientIPs ? [clientIP ?? ''] : []),
      ]),
    ])
    return outcomes
  }
}

/** How many requests each Pod answered, highest number first: `[3, 3, 3]`. */
export function answersPerPod(outcomes: readonly RequestOutcome[]): number[] {
  const counts = new Map<string, number>()
  for (const { pod } of outcomes) if (pod !== undefined) counts.set(pod, (counts.get(pod) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => b - a)
}
