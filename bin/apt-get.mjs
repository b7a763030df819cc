import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'

/** An upgrade that a machine starts by itself takes some minutes. */
const MAX_WAIT_MS = 15 * 60_000
/** A lock is often free again within this time; then there is nothing to say. */
const SILENT_MS = 2000
const RETRY_MS = 1000
/** Without a holder: it has just ended, or apt-get cannot see it from its container. */
const HELD_LOCK = /Could not get lock (\S+?)(?:\. It is held by process (\d+)(?: \((.*)\))?| - open \(11: .*\))$/m

/**
 * Runs apt-get, and waits while another program holds a lock that it needs. apt's own DPkg::Lock::Timeout covers the locks of dpkg only:
 * with it, `apt-get update` still fails at once when /var/lib/apt/lists is locked.
 *
 * `watch` runs before each attempt: the other program may have changed the machine meanwhile. What it returns runs after an attempt that no
 * lock has stopped.
 *
 * @returns {Promise<{ status: number, output: string, lock?: string }>} `lock`: what was still held when the wait ended
 */
export async function runAptGet(args, { say, watch, env = process.env, maxWaitMs = MAX_WAIT_MS }) {
  const start = performance.now()
  let said
  for (;;) {
    const finish = watch?.()
    const result = runOnce(args, env)
    const lock = result.status === 0 ? undefined : readHeldLock(result.output)
    if (lock === undefined) finish?.()
    const waitedMs = performance.now() - start
    if (lock === undefined || waitedMs >= maxWaitMs) return { ...result, lock }
    if (waitedMs >= SILENT_MS && lock !== said) {
      say(`Waiting for ${lock}`)
      said = lock
    }
    await pause(RETRY_MS)
  }
}

/** @returns {string | undefined} the lock of dpkg, if another program has it, and who that is */
export function findDpkgLock(env) {
  return readHeldLock(runOnce(['check'], env).output)
}

/** @returns {string | undefined} the lock that made apt-get fail, and who holds it */
function readHeldLock(output) {
  const found = HELD_LOCK.exec(output)
  if (found === null) return undefined
  const [, path, pid, name] = found
  if (pid === undefined) return `the lock ${path}`
  return `the lock ${path}, which process ${pid}${name === undefined ? '' : ` (${name})`} holds`
}

function runOnce(args, env) {
  const { status, stdout, stderr, error } = spawnSync('apt-get', args, {
    // The text of an error is read, so it must not be translated.
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    encoding: 'utf8',
  })
  return { status: status ?? 1, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() }
}
