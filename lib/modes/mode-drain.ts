/**
 * The result of a step: there was nothing, everything is removed, or something stays because open connections need it. In the last
 * case `draining` says how much, as fields of a log line.
 */
export type DrainState = 'nothing there' | 'all removed' | { readonly draining: Readonly<Record<string, number>> }

/** Removes what a mode left in the kernel, while open connections may still need it. */
export interface ModeDrain {
  /** Milliseconds between two steps. */
  readonly periodMs: number
  /** Removes what no open connection needs. @throws ProxyFailure if something could not be removed */
  step(): Promise<DrainState>
}
