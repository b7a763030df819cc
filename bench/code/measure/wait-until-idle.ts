import { type ProcessTree } from './process-tree.js'

const SAMPLE_INTERVAL_MS = 250
/** Of a core: as much CPU a proxy at rest may use. */
const IDLE_CPU_SHARE = 0.1
/** How often in a row. */
const IDLE_SAMPLES = 2

/**
 * Waits until processes use no CPU to speak of: nothing outside of a proxy tells otherwise when it is through with its work.
 * @returns whether they came to rest within `limitMs` milliseconds
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
