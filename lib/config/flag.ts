/** One command-line flag. `readConfig` reads the text of its value, so that all errors have the same form. */
export interface Flag {
  /** Name without dashes. */
  readonly name: string
  /** A text, a switch (`true`, `false`, or without value: `true`), or a text that may be repeated. */
  readonly kind: 'text' | 'switch' | 'list'
  /** The text that an absent flag has. */
  readonly default?: string
  /** Placeholder of the value in the help. */
  readonly value?: string
  /** Description of the value; `{modes}` is replaced by the names of all modes. */
  readonly help: string
  /** Set for a flag that kube-proxy does not have. */
  readonly extension?: true
}
