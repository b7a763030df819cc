/** Tests a transport, step by step. */
export interface Probe {
  /** The name of the current step. */
  readonly step: string
  /** Rejects with the difference that it finds. */
  run(): Promise<void>
  /** Closes everything, whatever step was reached. */
  cleanUp(): void
}

/**
 * Runs a probe to its end. Rejects with the step that failed, and the reason.
 * @param timeoutMs how long it may take, in milliseconds
 */
export async function runProbe(probe: Probe, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happened for ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    await Promise.race([probe.run(), timedOut])
  } catch (cause) {
    throw new Error(`${probe.step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
    probe.cleanUp()
  }
}

/** Throws unless the two values are the same. @param what names the value in the message */
export function expectEqual(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new Error(`${what}: expected ${String(expected)}, found ${String(found)}`)
}
