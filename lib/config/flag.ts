/** One command-line flag. Every value comes in as text and is read by `readConfig`, so that every error reads alike. */
export interface Flag {
  readonly name: string
  readonly kind: 'text' | 'switch' | 'list'
  readonly default?: string
  /** What stands for the value in the help. */
  readonly value?: string
  /** `{modes}` in it stands for the names of all modes. */
  readonly help: string
  /** Not a flag of kube-proxy. */
  readonly extension?: true
}
