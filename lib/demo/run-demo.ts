import { ProxyFailure } from '../model/failure.js'
import { modeByName } from '../modes/registry.js'
import { EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from './example-objects.js'
import { selects } from './cluster-objects.js'
import { DemoCluster } from './demo-cluster.js'
import { LeftoverRecord } from './leftover-record.js'
import { printSuggestions } from './suggestions.js'
import { type UserObjects, readUserManifest } from './user-manifest.js'
import { acquirePrivileges } from './privileges.js'
import { type WalkthroughTarget, runSteps } from './steps.js'
import { Walkthrough } from './walkthrough.js'
import { Teardown } from './teardown.js'
import { Terminal } from './terminal.js'

export interface DemoOptions {
  /** Leave the cluster running after the story. */
  readonly keep: boolean
  /** The learner's own Deployment and Service; undefined: the classic example. */
  readonly manifest: string | undefined
  /** As in `--proxy-mode`. */
  readonly mode: string
}

/** Beginning of the names of all network namespaces; another one lets a second demo run beside the first. */
const NAMESPACE_PREFIX = process.env['KUBE_PROXY_DEMO_PREFIX'] ?? 'demo-'
const EXAMPLE_OBJECTS: UserObjects = { deployments: [EXAMPLE_DEPLOYMENT], services: [EXAMPLE_SERVICE] }

/**
 * Runs the demo and takes everything away again, however it ends. Resolves with the exit code: 0 when all that was expected
 * came true, 1 when something did not, 130 after an interruption.
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING, MANIFEST_INVALID: nothing has been made then
 */
export async function runDemo({ keep, manifest, mode }: DemoOptions): Promise<number> {
  const { deployments, services } = manifest === undefined ? EXAMPLE_OBJECTS : await readUserManifest(manifest)
  const privileges = await acquirePrivileges()
  const teardown = new Teardown()
  const interruption = waitForInterruption()
  const leftovers = await LeftoverRecord.claim(NAMESPACE_PREFIX)
  await teardown.add(() => leftovers.deleteRecord())
  const terminal = Terminal.forProcess()
  /** The story is told, and the end is the learner's to choose. */
  let isKept = false

  const runWalkthrough = async (): Promise<number> => {
    terminal.printText(
      `Setting up a node and ${deployments.reduce((sum, { replicas }) => sum + replicas, 0)} Pods in network namespaces ...`,
    )
    if (manifest !== undefined)
      terminal.printText('Images are not run here: a small server, which says which Pod it is, stands in for each.')
    const cluster = await DemoCluster.start(
      NAMESPACE_PREFIX,
      modeByName(mode),
      deployments,
      services,
      teardown,
      leftovers,
    )
    const story = new Walkthrough(cluster, terminal, modeByName(mode).walkthrough)
    const startedAt = performance.now()
    const subjects = targetsOf({ deployments, services })
    await runSteps(story, subjects)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    terminal.printText('')
    terminal.printCheck(
      story.passed,
      story.passed ? `All as it should be, in ${seconds} s.` : 'Something was not as it should be: see above.',
    )
    if (keep) {
      await printSuggestions(story, subjects[0], privileges, teardown, leftovers)
      isKept = true
      await interruption.then(() => terminal.printText('Taking everything away again ...'))
      return story.passed ? 0 : 1
    }
    return story.passed ? 0 : 1
  }

  const walkthroughDone = runWalkthrough()
  try {
    return await Promise.race([
      walkthroughDone,
      interruption.then(() => (isKept ? walkthroughDone : Promise.reject(new Interrupted()))),
    ])
  } catch (error) {
    if (error instanceof Interrupted) return 130
    throw error
  } finally {
    await teardown.run()
    // What was under way when it was interrupted finds its processes gone; what it made meanwhile goes too.
    await walkthroughDone.catch(() => undefined)
    await teardown.run()
  }
}

/** Each port of each Service, with a Deployment behind it; a manifest that was read has at least one. */
function targetsOf({ deployments, services }: UserObjects): [WalkthroughTarget, ...WalkthroughTarget[]] {
  const subjects = services.flatMap(service => {
    const deployment = deployments.find(candidate => selects(service, candidate))!
    return service.ports.map(port => ({ service, port, deployment }))
  })
  return subjects as [WalkthroughTarget, ...WalkthroughTarget[]]
}

class Interrupted extends ProxyFailure {
  constructor() {
    super('DEMO_IMPOSSIBLE', 'The demo was interrupted')
  }
}

/** Resolves when somebody wants the demo to end: by a signal, or by not reading any more. */
function waitForInterruption(): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => resolve()
    process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end)
    process.stdout.on('error', end)
    // Inside a user namespace: whoever started us there is gone.
    process.on('disconnect', end)
  })
}
