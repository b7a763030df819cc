import { modeByName } from '../modes/registry.js'
import { Terminal } from '../terminal/terminal.js'
import { selects } from './cluster-objects.js'
import { DemoCluster } from './demo-cluster.js'
import { type DemoSession, runDemoSession } from './demo-session.js'
import { EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from './example-objects.js'
import { type WalkthroughTarget, runSteps } from './steps.js'
import { printSuggestions } from './suggestions.js'
import { type UserObjects, readUserManifest } from './user-manifest.js'
import { Walkthrough } from './walkthrough.js'

/** The options of the command `demo`. */
export interface DemoOptions {
  /** Keep the cluster running after the last step. */
  readonly keep: boolean
  /** Path of a manifest with the user's own Deployments and Services; undefined: the example. */
  readonly manifest: string | undefined
  /** As in `--proxy-mode`. */
  readonly mode: string
}

const EXAMPLE_OBJECTS: UserObjects = { deployments: [EXAMPLE_DEPLOYMENT], services: [EXAMPLE_SERVICE] }

/**
 * Runs the demo and removes everything it has created, on every kind of end. Resolves with the exit code: 0 if all checks passed,
 * 1 if one failed, 130 after an interruption.
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING, MANIFEST_INVALID; then it has created nothing
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { manifest } = options
  const objects = manifest === undefined ? EXAMPLE_OBJECTS : await readUserManifest(manifest)
  return runDemoSession(session => runWalkthrough(options, objects, session))
}

async function runWalkthrough(
  { keep, manifest, mode }: DemoOptions,
  { deployments, services }: UserObjects,
  session: DemoSession,
): Promise<number> {
  const { prefix, privileges, teardown, leftovers } = session
  const terminal = Terminal.forProcess()
  terminal.printText(
    `Setting up a node and ${deployments.reduce((sum, { replicas }) => sum + replicas, 0)} Pods in network namespaces ...`,
  )
  if (manifest !== undefined)
    terminal.printText('The demo runs no images. Each Pod runs a small server that answers with the name of the Pod.')
  const cluster = await DemoCluster.start(prefix, modeByName(mode), deployments, services, teardown, leftovers)
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
    await session.keep()
    terminal.printText('Removing everything that the demo has created ...')
  }
  return walkthrough.passed ? 0 : 1
}

/** Each port of each Service with a Deployment behind it; a valid manifest has at least one. */
function targetsOf({ deployments, services }: UserObjects): [WalkthroughTarget, ...WalkthroughTarget[]] {
  const targets = services.flatMap(service => {
    const deployment = deployments.find(candidate => selects(service, candidate))!
    return service.ports.map(port => ({ service, port, deployment }))
  })
  return targets as [WalkthroughTarget, ...WalkthroughTarget[]]
}
