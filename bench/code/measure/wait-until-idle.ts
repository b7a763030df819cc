import { type ProcessTree } from './process-tree.js'

const SAMPLE_INTERVAL_MS = 250
/** The CPU use of an idle proxy, at most this part of a core. */
const IDLE_CPU_SHARE = 0.1
/** Number of idle readings in a row. */
const IDLE_SAMPLES = 2

/**
 * Waits until processes use almost no CPU: nothing else shows from outside that a proxy has finished its work.
 * @returns whether they became idle within `limitMs` milliseconds
 */
export async function waitUntilIdle(tree: ProcessTree, limitMs: number): Promise<boolean> {
  const end = Date.now() + limitMs
  let quiet = 0
  for (let used = tree.cpuSeconds(); quiet < IDLE_SAMPLES && Date.now() < end;) {
    await new Promise(resolve => setTimeout(resolve, SAMPLE_INTERVAL_MS))
    const now = tree.cpuSeconds()
    quiet = now - used < (IDLE_CPU_SHARE * SAMPLE_INTERVAL_MS) / 1000 ? quiet + 1 : 0
    used = now
  }
  return quiet === IDLE_SAMPLES
}
