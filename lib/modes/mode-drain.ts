/**
 * How far the draining of a mode has come: nothing was there, everything is removed, or something stays as long as open
 * connections need it; then the counts of that are fields for the log.
 */
export type DrainState = 'nothing there' | 'all removed' | { readonly draining: Readonly<Record<string, number>> }

/** What a mode left in the kernel that open connections may need after another mode has taken over. */
export interface ModeDrain {
  /** Milliseconds between two steps. */
  readonly periodMs: number
  /** Removes what no open connection needs any more. @throws ProxyFailure when something could not be removed */
  step(): Promise<DrainState>
}
