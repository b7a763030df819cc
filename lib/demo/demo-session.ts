import { ProxyFailure } from '../model/failure.js'
import { LeftoverRecord } from './leftover-record.js'
import { type Privileges, acquirePrivileges } from './privileges.js'
import { Teardown } from './teardown.js'

/** The names of all network namespaces start with this. With another prefix a second demo can run at the same time. */
const NAMESPACE_PREFIX = process.env['KUBE_PROXY_DEMO_PREFIX'] ?? 'demo-'

/** What a command needs that runs the cluster of the demo. */
export interface DemoSession {
  readonly prefix: string
  readonly privileges: Privileges
  readonly teardown: Teardown
  readonly leftovers: LeftoverRecord
  /** From now on an interruption is the expected end. Resolves when it comes. */
  keep(): Promise<void>
}

/**
 * Runs what needs the cluster of the demo, and removes everything that it has created, on every kind of end. Resolves with the exit
 * code of `run`, or 130 after an interruption.
 * @param programs that it needs besides those of every demo, each with its package
 * @throws ProxyFailure DEMO_IMPOSSIBLE, PROGRAM_MISSING; then it has created nothing
 */
export async function runDemoSession(
  run: (session: DemoSession) => Promise<number>,
  programs: ReadonlyMap<string, string> = new Map(),
): Promise<number> {
  const privileges = await acquirePrivileges(programs)
  const teardown = new Teardown()
  const interruption = waitForInterruption()
  const leftovers = await LeftoverRecord.create(NAMESPACE_PREFIX)
  await teardown.add(() => leftovers.deleteRecord())
  /** Whether everything is done and the cluster stays until the user stops it. */
  let isKept = false
  const keep = (): Promise<void> => {
    isKept = true
    return interruption
  }
  const done = run({ prefix: NAMESPACE_PREFIX, privileges, teardown, leftovers, keep })
  try {
    return await Promise.race([done, interruption.then(() => (isKept ? done : Promise.reject(new Interrupted())))])
  } catch (error) {
    if (error instanceof Interrupted) return 130
    throw error
  } finally {
    await teardown.run()
    // A step that was interrupted fails now, without its processes. What it has created in the meantime is removed here.
    await done.catch(() => undefined)
    await teardown.run()
  }
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
