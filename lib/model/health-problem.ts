/** What keeps a part of this process from doing its work. */
export interface HealthProblem {
  /** One sentence without full stop, for the log and for the response of a health check. */
  readonly text: string
  /** Whether a restart of this process may help, and costs nothing that still works. Then `/livez` fails too. */
  readonly needsRestart: boolean
}
