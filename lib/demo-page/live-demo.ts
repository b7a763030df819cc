import { askQuestion } from '../ask/ask-question.js'
import { ClusterLab } from '../ask/cluster-lab.js'
import { CURL } from '../ask/question.js'
import { QUESTIONS } from '../ask/questions.js'
import { type DemoCluster } from '../demo/demo-cluster.js'
import { EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { KUBE_PROXY_PROGRAM } from '../demo/kube-proxy-program.js'
import { checkPrograms } from '../demo/privileges.js'
import { type Teardown } from '../demo/teardown.js'
import { type DoctorReport } from '../doctor/doctor-report.js'
import { type DoneLessons } from '../learn/done-lessons.js'
import { lessonMinutes } from '../learn/lesson-minutes.js'
import { type Lesson } from '../learn/lesson.js'
import { LESSONS } from '../learn/lessons.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { askProxy } from '../status/ask-proxy.js'
import { type LentCluster, borrowCluster } from './borrow-cluster.js'
import {
  type DemoDocument,
  type LessonsDocument,
  type LeverKind,
  type LeverView,
  type QuestionsDocument,
  type WriteLine,
} from './demo-document.js'
import { LiveLesson, leaveId, lessonId } from './live-lesson.js'
import { type ProxyCounts, leverEffect } from './lever-effect.js'
import { leversOf } from './levers-of.js'
import { type LiveTraffic } from './live-traffic.js'
import { PodStates } from './pod-states.js'
import { pullLever } from './pull-lever.js'
import { stepLine } from './step-line.js'

/** Requests of each client that begin after a change and show its effect. */
const WATCHED_REQUESTS = 3

const ON_THE_NODE: readonly LeverKind[] = ['kill', 'mode', 'api']

type Patient = DemoDocument['patients'][number]

/** The cluster behind the page of the demo: what it shows, and what it can run, one thing at a time. */
export class LiveDemo {
  readonly #cluster: DemoCluster
  readonly #lent: LentCluster
  readonly #modes: readonly string[]
  readonly #version: string
  readonly #doneLessons: DoneLessons
  #running: string | null = null
  /** The lesson that runs. */
  #lesson: { readonly number: number; readonly open: LiveLesson } | undefined

  /** @param modes those that can be chosen @param version of this program @param doneLessons of the user */
  constructor(
    {
      cluster,
      traffic,
      teardown,
    }: { readonly cluster: DemoCluster; readonly traffic: LiveTraffic; readonly teardown: Teardown },
    modes: readonly string[],
    version: string,
    doneLessons: DoneLessons,
  ) {
    this.#cluster = cluster
    this.#lent = { lab: new ClusterLab(cluster, teardown), traffic, states: new PodStates(cluster) }
    this.#modes = modes
    this.#version = version
    this.#doneLessons = doneLessons
  }

  /** The socket at which the proxy answers. */
  get statusSocket(): string {
    return this.#cluster.statusSocket
  }

  get document(): DemoDocument {
    return {
      kind: 'Demo',
      mode: this.#lent.lab.mode,
      service: `default/${EXAMPLE_SERVICE.name}`,
      pods: this.#lent.lab.pods.map(pod => ({ name: pod.name, ip: pod.ip, state: this.#lent.states.of(pod) })),
      clients: this.#lent.traffic.clients.map(({ name, url, client: { ip } }) => ({ name, ip, url })),
      requests: this.#lent.traffic.requests,
      levers: this.#levers,
      running: this.#running,
      lesson: this.#lesson?.number ?? null,
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

  async readLessons(): Promise<LessonsDocument> {
    const done = await this.#doneLessons.read()
    return {
      kind: 'LessonList',
      items: LESSONS.map(lesson => ({
        ...{ id: lessonId(lesson), leave: leaveId(lesson), number: lesson.number, title: lesson.title },
        ...{ minutes: lessonMinutes(lesson), steps: lesson.steps.map(({ title }) => title) },
        isDone: done.has(lesson.number),
      })),
    }
  }

  /**
   * What runs under an id, ready to begin; undefined: nothing has this id.
   * @returns runs it; no failure leaves it, but each is the last line. It takes what says that the page that asked is gone
   */
  find(id: string): ((write: WriteLine, whenGone: AbortSignal) => Promise<void>) | undefined {
    const lever = this.#levers.find(each => each.id === id)
    const question = QUESTIONS.find(({ number }) => id === `ask/${number}`)
    const patient = this.#patients.find(each => each.id === id)
    const lesson = LESSONS.find(each => lessonId(each) === id)
    const run: ((write: WriteLine, whenGone: AbortSignal) => Promise<void>) | undefined =
      lever !== undefined
        ? (write: WriteLine) => this.#pull(lever, write)
        : question !== undefined
          ? (write: WriteLine) => this.#ask(question, write)
          : patient !== undefined
            ? (write: WriteLine) => this.#examine(patient, write)
            : lesson && ((write, whenGone) => this.#teach(lesson, write, whenGone))
    return run && ((write, whenGone) => this.#runAlone(id, () => run(write, whenGone), write))
  }

  /** Takes what a user replies to the lesson that runs. @returns false: nothing waits for this now */
  reply(id: string): boolean {
    return this.#lesson?.open.reply(id) === true
  }

  /** What runs now; null: nothing. */
  get running(): string | null {
    return this.#running
  }

  async #runAlone(id: string, run: () => Promise<void>, write: WriteLine): Promise<void> {
    this.#running = id
    try {
      await run()
    } catch (error) {
      const hint = error instanceof ProxyFailure ? (error.hint ?? null) : null
      write({ kind: 'failed', message: messageOf(error), hint })
    } finally {
      this.#running = null
    }
  }

  async #pull(lever: LeverView, write: WriteLine): Promise<void> {
    const before = await this.#counts()
    const watched = await this.#lent.traffic.watch(async () => {
      await pullLever(lever, this.#lent.lab, this.#lent.states)
      const where = ON_THE_NODE.includes(lever.kind) ? 'node' : 'cluster'
      write(stepLine({ where, command: lever.command, output: '', exitCode: 0, isLever: true }, null))
    }, WATCHED_REQUESTS)
    write({ kind: 'effect', effect: leverEffect(watched, before, await this.#counts()) })
  }

  async #ask(question: (typeof QUESTIONS)[number], write: WriteLine): Promise<void> {
    checkPrograms(question.programs)
    await borrowCluster(this.#lent, async () => {
      const { proof, text, holds } = await askQuestion(question, this.#lent.lab, ({ ran, meaning }) =>
        write(stepLine(ran, meaning)),
      )
      write({ kind: 'answer', proof: proof.name, value: proof.value, text, holds })
    })
  }

  async #teach(lesson: Lesson, write: WriteLine, whenGone: AbortSignal): Promise<void> {
    checkPrograms(CURL)
    const open = new LiveLesson(lesson, write)
    // A page that is closed cannot reply any more.
    whenGone.addEventListener('abort', () => open.leave(), { once: true })
    this.#lesson = { number: lesson.number, open }
    try {
      await borrowCluster(this.#lent, async () => {
        if (await open.run(this.#lent.lab)) await this.#doneLessons.add(lesson.number)
      })
    } finally {
      this.#lesson = undefined
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
    const clients = [null, ...this.#lent.traffic.clients.map(({ name }) => name)]
    return this.#cluster.services.flatMap(({ name }) =>
      (name === EXAMPLE_SERVICE.name ? clients : [null]).map(client => ({
        ...{ id: `doctor/${name}${client === null ? '' : `/${client}`}`, service: `default/${name}`, client },
        command: ['kube-proxy doctor', `svc/${name}`, ...this.#fromClient(client)].join(' '),
      })),
    )
  }

  #fromClient(name: string | null): readonly string[] {
    const found = this.#lent.traffic.clients.find(each => each.name === name)
    return found === undefined ? [] : ['--from', found.client.ip]
  }

  /** Undefined: the proxy does not answer, such as while it starts. */
  async #counts(): Promise<ProxyCounts | undefined> {
    const answer = await askProxy(this.statusSocket, '', {}, this.#version).catch(() => undefined)
    return answer as ProxyCounts | undefined
  }

  get #levers(): readonly LeverView[] {
    return leversOf({
      ...{
        mode: this.#lent.lab.mode,
        modes: this.#modes,
        nodeName: this.#lent.lab.nodeName,
        service: this.#lent.lab.service,
      },
      isApiAway: this.#lent.lab.isApiAway === true,
      pods: this.#lent.lab.pods.map(pod => ({
        ...{ ...pod, state: this.#lent.states.of(pod) },
        pid: this.#cluster.pods.find(({ name }) => name === pod.name)?.process.pid ?? 0,
      })),
    })
  }
}
