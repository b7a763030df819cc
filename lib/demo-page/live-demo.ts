import { askQuestion } from '../ask/ask-question.js'
import { ClusterLab } from '../ask/cluster-lab.js'
import { type Ran } from '../ask/lab.js'
import { QUESTIONS } from '../ask/questions.js'
import { type Texts } from '../ask/texts.js'
import { type DemoCluster } from '../demo/demo-cluster.js'
import { EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { KUBE_PROXY_PROGRAM } from '../demo/kube-proxy-program.js'
import { checkPrograms } from '../demo/privileges.js'
import { type Teardown } from '../demo/teardown.js'
import { type DoctorReport } from '../doctor/doctor-report.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { askProxy } from '../status/ask-proxy.js'
import {
  type DemoDocument,
  type LeverKind,
  type LeverView,
  type QuestionsDocument,
  type RunLine,
} from './demo-document.js'
import { type ProxyCounts, leverEffect } from './lever-effect.js'
import { leversOf } from './levers-of.js'
import { type LiveTraffic } from './live-traffic.js'
import { PodStates } from './pod-states.js'
import { pullLever } from './pull-lever.js'

/** Requests of each client that begin after a change and show its effect. */
const WATCHED_REQUESTS = 3

const ON_THE_NODE: readonly LeverKind[] = ['kill', 'mode', 'api']

type Patient = DemoDocument['patients'][number]

/** Takes each line of what runs, as soon as it is known. */
export type WriteLine = (line: RunLine) => void

/** The cluster behind the page of the demo: what it shows, and what it can run, one thing at a time. */
export class LiveDemo {
  readonly #cluster: DemoCluster
  readonly #lab: ClusterLab
  readonly #traffic: LiveTraffic
  readonly #states: PodStates
  readonly #modes: readonly string[]
  readonly #version: string
  #running: string | null = null

  /** @param modes those that can be chosen @param version of this program */
  constructor(
    {
      cluster,
      traffic,
      teardown,
    }: { readonly cluster: DemoCluster; readonly traffic: LiveTraffic; readonly teardown: Teardown },
    modes: readonly string[],
    version: string,
  ) {
    this.#cluster = cluster
    this.#traffic = traffic
    this.#lab = new ClusterLab(cluster, teardown)
    this.#states = new PodStates(cluster)
    this.#modes = modes
    this.#version = version
  }

  /** The socket at which the proxy answers. */
  get statusSocket(): string {
    return this.#cluster.statusSocket
  }

  get document(): DemoDocument {
    return {
      kind: 'Demo',
      mode: this.#lab.mode,
      service: `default/${EXAMPLE_SERVICE.name}`,
      pods: this.#lab.pods.map(pod => ({ name: pod.name, ip: pod.ip, state: this.#states.of(pod) })),
      clients: this.#traffic.clients.map(({ name, url, client: { ip } }) => ({ name, ip, url })),
      requests: this.#traffic.requests,
      levers: this.#levers,
      running: this.#running,
      patients: this.#patients,
    }
  }

  get questions(): QuestionsDocument {
    return {
      kind: 'QuestionList',
      items: QUESTIONS.map(({ number, title, asked }) => ({
        ...{ id: `ask/${number}`, number, title, asked, command: `kube-proxy ask ${number}` },
      })),
    }
  }

  /**
   * What runs under an id, ready to begin; undefined: nothing has this id.
   * @returns runs it; no failure leaves it, but each is the last line
   */
  find(id: string): ((write: WriteLine) => Promise<void>) | undefined {
    const lever = this.#levers.find(each => each.id === id)
    const question = QUESTIONS.find(({ number }) => id === `ask/${number}`)
    const patient = this.#patients.find(each => each.id === id)
    const run =
      lever !== undefined
        ? (write: WriteLine) => this.#pull(lever, write)
        : question !== undefined
          ? (write: WriteLine) => this.#ask(question, write)
          : patient !== undefined
            ? (write: WriteLine) => this.#examine(patient, write)
            : undefined
    return run && (write => this.#runAlone(id, run, write))
  }

  /** What runs now; null: nothing. */
  get running(): string | null {
    return this.#running
  }

  async #runAlone(id: string, run: (write: WriteLine) => Promise<void>, write: WriteLine): Promise<void> {
    this.#running = id
    try {
      await run(write)
    } catch (error) {
      const hint = error instanceof ProxyFailure ? (error.hint ?? null) : null
      write({ kind: 'failed', message: messageOf(error), hint })
    } finally {
      this.#running = null
    }
  }

  async #pull(lever: LeverView, write: WriteLine): Promise<void> {
    const before = await this.#counts()
    const watched = await this.#traffic.watch(async () => {
      await pullLever(lever, this.#lab, this.#states)
      const where = ON_THE_NODE.includes(lever.kind) ? 'node' : 'cluster'
      write(stepLine({ where, command: lever.command, output: '', exitCode: 0, isLever: true }, null))
    }, WATCHED_REQUESTS)
    write({ kind: 'effect', effect: leverEffect(watched, before, await this.#counts()) })
  }

  /** Clients would disturb what experiments count. Afterwards the cluster is as it was, with all its Pods well. */
  async #ask(question: (typeof QUESTIONS)[number], write: WriteLine): Promise<void> {
    checkPrograms(question.programs)
    const { service, mode, isApiAway } = this.#lab
    const replicas = this.#lab.pods.length
    const restore = [
      () => this.#lab.reset(),
      () => this.#lab.setMode(mode),
      () => this.#lab.changeService(service, ''),
      () => this.#lab.scale(replicas),
      ...(isApiAway === true ? [() => this.#lab.setApiAway(true)] : []),
    ]
    try {
      await this.#traffic.pause()
      if (isApiAway === true) await this.#lab.setApiAway(false)
      await this.#healAll()
      const { proof, text, holds } = await askQuestion(question, this.#lab, ({ ran, meaning }) =>
        write(stepLine(ran, meaning)),
      )
      write({ kind: 'answer', proof: proof.name, value: proof.value, text, holds })
    } finally {
      try {
        await doAll(restore)
      } finally {
        this.#traffic.resume()
      }
    }
  }

  /** Replaces Pods that were killed, and makes the others as they should be. */
  async #healAll(): Promise<void> {
    for (const pod of this.#lab.pods) {
      if (this.#states.of(pod) === 'killed') await this.#lab.replace(pod)
      else await this.#states.set(pod, 'running')
    }
  }

  async #examine({ service, client, command }: Patient, write: WriteLine): Promise<void> {
    const { stdout, stderr } = await this.#cluster.network.node.run(process.execPath, [
      ...[KUBE_PROXY_PROGRAM, 'doctor', service, '-o', 'json', ...this.#fromClient(client)],
      ...['--status-socket', this.statusSocket, '--manifests', this.#cluster.manifest],
    ])
    if (!stdout.startsWith('{')) throw new Error(stderr.trim())
    write(stepLine({ where: 'node', command, output: '', exitCode: 0, isLever: false }, null))
    write({ kind: 'report', report: JSON.parse(stdout) as DoctorReport })
  }

  /** A client may be unable to reach what others can: so it is examined for each, too. */
  get #patients(): readonly Patient[] {
    const clients = [null, ...this.#traffic.clients.map(({ name }) => name)]
    return this.#cluster.services.flatMap(({ name }) =>
      (name === EXAMPLE_SERVICE.name ? clients : [null]).map(client => ({
        ...{ id: `doctor/${name}${client === null ? '' : `/${client}`}`, service: `default/${name}`, client },
        command: ['kube-proxy doctor', `svc/${name}`, ...this.#fromClient(client)].join(' '),
      })),
    )
  }

  #fromClient(name: string | null): readonly string[] {
    const found = this.#traffic.clients.find(each => each.name === name)
    return found === undefined ? [] : ['--from', found.client.ip]
  }

  /** Undefined: the proxy does not answer, such as while it starts. */
  async #counts(): Promise<ProxyCounts | undefined> {
    const answer = await askProxy(this.statusSocket, '', {}, this.#version).catch(() => undefined)
    return answer as ProxyCounts | undefined
  }

  get #levers(): readonly LeverView[] {
    return leversOf({
      ...{ mode: this.#lab.mode, modes: this.#modes, nodeName: this.#lab.nodeName, service: this.#lab.service },
      isApiAway: this.#lab.isApiAway === true,
      pods: this.#lab.pods.map(pod => ({
        ...{ ...pod, state: this.#states.of(pod) },
        pid: this.#cluster.pods.find(({ name }) => name === pod.name)?.process.pid ?? 0,
      })),
    })
  }
}

/** Takes all steps in order, even if one of them fails. @throws the first failure, at the end */
async function doAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => void failures.push(error))
  if (failures.length > 0) throw failures[0]
}

function stepLine({ where, command, output, isLever = false }: Ran, meaning: Texts | null): RunLine {
  return { kind: 'step', where, command, output, isLever, meaning }
}
