import { setTimeout } from 'node:timers/promises'
import { type DemoCluster, type Outcome } from './demo-cluster.js'
import { NODE_IP } from './demo-network.js'
import { type DemoService, type DemoServicePort } from './cluster-objects.js'
import { type ModeStory } from './mode-story.js'
import { type Terminal } from './terminal.js'

/** How often counters that are late are looked at, in milliseconds. */
const COUNTS_AGAIN_MS = 250

/** The means of every step: things that are done and shown alike. Remembers whether all that was expected came true. */
export class Story {
  readonly cluster: DemoCluster
  readonly terminal: Terminal
  readonly mode: ModeStory
  #good = true

  constructor(cluster: DemoCluster, terminal: Terminal, mode: ModeStory) {
    this.cluster = cluster
    this.terminal = terminal
    this.mode = mode
  }

  get good(): boolean {
    return this.#good
  }

  /** Says whether what was expected came true; the whole demo has failed when it did not. */
  check(good: boolean, text: string): void {
    this.#good &&= good
    this.terminal.verdict(good, text)
  }

  /** All objects, as `kubectl get` would list them. */
  showObjects(): void {
    const { deployments, pods, services } = this.cluster
    for (const { name } of pods) this.terminal.nameOfPod(name)
    this.terminal.table([
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
    this.terminal.table([['POD', 'STATUS', 'IP'], ...pods.map(({ name, ip }) => [name, 'Running', ip])])
    this.terminal.table([
      ['SERVICE', 'CLUSTER-IP', 'PORT', 'ENDPOINTS'],
      ...services.map(service => [
        service.name,
        service.clusterIP,
        service.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(','),
        this.cluster
          .podsBehind(service)
          .map(({ ip }) => ip)
          .join(',') || '<none>',
      ]),
    ])
  }

  /** What leads the packets, as the node's own programs print it, with the counters. */
  async showRules(): Promise<void> {
    this.terminal.command(`${this.mode.command}          # on the node, ${NODE_IP}; what matters of it`)
    this.terminal.verbatim(await this.mode.show(this.cluster.network.node))
  }

  /** How many connections or flows were counted for a Service's port. */
  counted(service: DemoService, port: DemoServicePort): Promise<number> {
    return this.mode.counted(this.cluster.network.node, service, port)
  }

  /** The same as soon as it is as many as expected, or else when counters have had their time. */
  async countedInTime(service: DemoService, port: DemoServicePort, expected: number): Promise<number> {
    const end = performance.now() + this.mode.countsLateMs
    let counted = await this.counted(service, port)
    while (counted !== expected && performance.now() < end) {
      await setTimeout(COUNTS_AGAIN_MS)
      counted = await this.counted(service, port)
    }
    return counted
  }

  /** Makes requests and shows who answered each. `during` is called before each, with its number from 1. */
  async requests(
    count: number,
    what: string,
    command: object,
    during: (number: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (let number = 1; number <= count; number++) {
      await during(number)
      outcomes.push(await this.cluster.ask(command))
    }
    for (const { name } of this.cluster.pods) this.terminal.nameOfPod(name)
    this.terminal.table([
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
export function tally(outcomes: readonly Outcome[]): number[] {
  const counts = new Map<string, number>()
  for (const { pod } of outcomes) if (pod !== undefined) counts.set(pod, (counts.get(pod) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => b - a)
}
