import { ProxyFailure } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { NGINX_DEPLOYMENT, NGINX_SERVICE } from './classic-example.js'
import { selects } from './cluster-objects.js'
import { DemoCluster } from './demo-cluster.js'
import { Leftovers } from './leftovers.js'
import { MODE_STORIES } from './mode-stories.js'
import { sayWhatToTry } from './say-what-to-try.js'
import { type LearnerObjects, readLearnerManifest } from './learner-manifest.js'
import { takePrivileges } from './privileges.js'
import { type Subject, tellStory } from './tell-story.js'
import { Story } from './story.js'
import { Teardown } from './teardown.js'
import { Terminal } from './terminal.js'

export interface DemoOptions {
  /** Leave the cluster running after the story. */
  readonly keep: boolean
  /** The learner's own Deployment and Service; undefined: the classic example. */
  readonly manifest: string | undefined
  readonly mode: ProxyMode
}

/** Beginning of the names of all network namespaces; another one lets a second demo run beside the first. */
const PREFIX = process.env.KUBE_PROXY_DEMO_PREFIX ?? 'demo-'
const CLASSIC: LearnerObjects = { deployments: [NGINX_DEPLOYMENT], services: [NGINX_SERVICE] }

/**
 * Runs the demo and takes everything away again, however it ends. Resolves with the exit code: 0 when all that was expected
 * came true, 1 when something did not, 130 after an interruption.
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING, MANIFEST_INVALID: nothing has been made then
 */
export async function runDemo({ keep, manifest, mode }: DemoOptions): Promise<number> {
  const { deployments, services } = manifest === undefined ? CLASSIC : await readLearnerManifest(manifest)
  const privileges = await takePrivileges()
  const teardown = new Teardown()
  const interruption = interrupted()
  const leftovers = await Leftovers.claim(PREFIX)
  await teardown.add(() => leftovers.forget())
  const terminal = Terminal.ofProcess()
  /** The story is told, and the end is the learner's to choose. */
  let isOver = false

  const tell = async (): Promise<number> => {
    terminal.say(
      `Setting up a node and ${deployments.reduce((sum, { replicas }) => sum + replicas, 0)} Pods in network namespaces ...`,
    )
    if (manifest !== undefined)
      terminal.say('Images are not run here: a small server, which says which Pod it is, stands in for each.')
    const cluster = await DemoCluster.start(PREFIX, mode, deployments, services, teardown, leftovers)
    const story = new Story(cluster, terminal, MODE_STORIES[mode])
    const startedAt = performance.now()
    const subjects = subjectsOf({ deployments, services })
    await tellStory(story, subjects)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    terminal.say('')
    terminal.verdict(
      story.good,
      story.good ? `All as it should be, in ${seconds} s.` : 'Something was not as it should be: see above.',
    )
    if (keep) {
      await sayWhatToTry(story, subjects[0], privileges, teardown, leftovers)
      isOver = true
      await interruption.then(() => terminal.say('Taking everything away again ...'))
      return story.good ? 0 : 1
    }
    return story.good ? 0 : 1
  }

  const told = tell()
  try {
    return await Promise.race([told, interruption.then(() => (isOver ? told : Promise.reject(new Interrupted())))])
  } catch (error) {
    if (error instanceof Interrupted) return 130
    throw error
  } finally {
    await teardown.end()
    // What was under way when it was interrupted finds its processes gone; what it made meanwhile goes too.
    await told.catch(() => undefined)
    await teardown.end()
  }
}

/** Each port of each Service, with a Deployment behind it; a manifest that was read has at least one. */
function subjectsOf({ deployments, services }: LearnerObjects): [Subject, ...Subject[]] {
  const subjects = services.flatMap(service => {
    const deployment = deployments.find(candidate => selects(service, candidate))!
    return service.ports.map(port => ({ service, port, deployment }))
  })
  return subjects as [Subject, ...Subject[]]
}

class Interrupted extends ProxyFailure {
  constructor() {
    super('DEMO_IMPOSSIBLE', 'The demo was interrupted')
  }
}

/** Resolves when somebody wants the demo to end: by a signal, or by not reading any more. */
function interrupted(): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => resolve()
    process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end)
    process.stdout.on('error', end)
    // Inside a user namespace: whoever started us there is gone.
    process.on('disconnect', end)
  })
}
