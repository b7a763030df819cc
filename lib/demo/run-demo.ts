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
import { Terminal } from '../terminal/terminal.js'

/** The options of the command `demo`. */
export interface DemoOptions {
  /** Keep the cluster running after the last step. */
  readonly keep: boolean
  /** Path of a manifest with the user's own Deployments and Services; undefined: the example. */
  readonly manifest: string | undefined
  /** As in `--proxy-mode`. */
  readonly mode: string
}

/** The names of all network namespaces start with this. With another prefix a second demo can run at the same time. */
const NAMESPACE_PREFIX = process.env['KUBE_PROXY_DEMO_PREFIX'] ?? 'demo-'
const EXAMPLE_OBJECTS: UserObjects = { deployments: [EXAMPLE_DEPLOYMENT], services: [EXAMPLE_SERVICE] }

/**
 * Runs the demo and removes everything it has created, on every kind of end. Resolves with the exit code: 0 if all checks passed,
 * 1 if one failed, 130 after an interruption.
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING, MANIFEST_INVALID; then it has created nothing
 */
export async function runDemo({ keep, manifest, mode }: DemoOptions): Promise<number> {
  const { deployments, services } = manifest === undefined ? EXAMPLE_OBJECTS : await readUserManifest(manifest)
  const privileges = await acquirePrivileges()
  const teardown = new Teardown()
  const interruption = waitForInterruption()
  const leftovers = await LeftoverRecord.create(NAMESPACE_PREFIX)
  await teardown.add(() => leftovers.deleteRecord())
  const terminal = Terminal.forProcess()
  /** Whether all steps are done and the cluster stays until the user stops it. */
  let isKept = false

  const runWalkthrough = async (): Promise<number> => {
    terminal.printText(
      `Setting up a node and ${deployments.reduce((sum, { replicas }) => sum + replicas, 0)} Pods in network namespaces ...`,
    )
    if (manifest !== undefined)
      terminal.printText('The demo runs no images. Each Pod runs a small server that answers with the name of the Pod.')
    const cluster = await DemoCluster.start(
      NAMESPACE_PREFIX,
      modeByName(mode),
      deployments,
      services,
      teardown,
      leftovers,
    )
    const walkthrough = new Walkthrough(cluster, terminal, modeByName(mode).walkthrough)
    const startedAt = performance.now()
    const targets = targetsOf({ deployments, services })
    await runSteps(walkthrough, targets)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    terminal.printText('')
    terminal.printCheck(
      walkthrough.passed,
      walkthrough.passed
        ? `All checks passed in ${seconds} s.`
        : 'At least one check failed: see the lines with ✗ above.',
    )
    if (keep) {
      await printSuggestions(walkthrough, targets[0], privileges, teardown, leftovers)
      isKept = true
      await interruption.then(() => terminal.printText('Removing everything that the demo has created ...'))
      return walkthrough.passed ? 0 : 1
    }
    return walkthrough.passed ? 0 : 1
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
    // A step that was interrupted fails now, without its processes. What it has created in the meantime is removed here.
    await walkthroughDone.catch(() => undefined)
    await teardown.run()
  }
}

/** Each port of each Service with a Deployment behind it; a valid manifest has at least one. */
function targetsOf({ deployments, services }: UserObjects): [WalkthroughTarget, ...WalkthroughTarget[]] {
  const targets = services.flatMap(service => {
    const deployment = deployments.find(candidate => selects(service, candidate))!
    return service.ports.map(port => ({ service, port, deployment }))
  })
  return targets as [WalkthroughTarget, ...WalkthroughTarget[]]
}

class Interrupted extends ProxyFailure {
  constructor() {
    super('DEMO_IMPOSSIBLE', 'The demo was interrupted')
  }
}

/** Resolves when the demo has to end: on a signal, or when its output is closed. */
function waitForInterruption(): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => resolve()
    process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', end)
    process.stdout.on('error', end)
    // Inside a user namespace: the parent process is gone.
    process.on('disconnect', end)
  })
}
