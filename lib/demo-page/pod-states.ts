import { type DemoCluster } from '../demo/demo-cluster.js'
import { type Pod } from '../demo/cluster-objects.js'
import { ProxyFailure } from '../model/failure.js'
import { type PodState } from './demo-document.js'

type LivePodState = Exclude<PodState, 'killed'>

/** How much later a slow Pod answers, in milliseconds: less than a client waits. */
export const SLOW_MS = 800
/** What the kernel of a Pod does with packets to its port. */
const TARGETS: ReadonlyMap<PodState, readonly string[]> = new Map<PodState, readonly string[]>([
  ['silent', ['DROP']],
  ['refusing', ['REJECT', '--reject-with', 'tcp-reset']],
])

/** The rule of a Pod that is silent or refuses; undefined: the state needs none. */
export function podRule(state: PodState): readonly string[] | undefined {
  const target = TARGETS.get(state)
  return target && ['INPUT', '-p', 'tcp', '--dport', '80', '-j', ...target]
}

/** How the Pods of the demo are, and a way to change it. */
export class PodStates {
  readonly #cluster: DemoCluster
  /** By the names of the Pods that live; the others are running. */
  readonly #states = new Map<string, LivePodState>()

  constructor(cluster: DemoCluster) {
    this.#cluster = cluster
  }

  /** A Pod may have been killed from a terminal, too. */
  of(pod: Pod): PodState {
    return this.#cluster.isAlive(pod) ? (this.#states.get(pod.name) ?? 'running') : 'killed'
  }

  /** Makes a Pod that lives slow, silent, refusing, or as it should be. @throws ProxyFailure PROGRAM_FAILED */
  async set(pod: Pod, state: LivePodState): Promise<void> {
    const before = this.#states.get(pod.name) ?? 'running'
    const [old, rule] = [podRule(before), podRule(state)]
    if (old !== undefined) await this.#iptables(pod, '-D', ...old)
    if (before === 'slow') await this.#cluster.delayAnswers(pod, 0)
    this.#states.delete(pod.name)
    if (rule !== undefined) await this.#iptables(pod, '-I', ...rule)
    if (state === 'slow') await this.#cluster.delayAnswers(pod, SLOW_MS)
    if (state !== 'running') this.#states.set(pod.name, state)
  }

  async #iptables(pod: Pod, ...args: readonly string[]): Promise<void> {
    const { namespace } = this.#cluster.pods.find(({ name }) => name === pod.name)!
    const { exitCode, stderr } = await namespace.run('iptables', ['-w', '5', ...args])
    if (exitCode !== 0)
      throw new ProxyFailure('PROGRAM_FAILED', `"iptables ${args.join(' ')}" failed in ${pod.name}: ${stderr.trim()}`)
  }
}
